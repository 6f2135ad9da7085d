import CLibFuzzer
import Synchronization
import WitanTesting

/// Lets libFuzzer look for bytes that crash a parser or break what must hold of it.
///
/// `witan-fuzz TARGET`, then libFuzzer's own flags and folders; `make fuzz` runs every target.
@main
enum WitanFuzz {
    private static let target: FuzzTarget = {
        guard let name = CommandLine.arguments.dropFirst().first,
            let target = FuzzTarget.all.first(where: { $0.name == name })
        else {
            fatalError("Name a target: \(FuzzTarget.all.map(\.name).joined(separator: ", ")).")
        }
        return target
    }()

    static func main() {
        _ = target
        // libFuzzer, which would take the target's name for a folder, sees it as the name of the program.
        var count = CommandLine.argc - 1
        var arguments = CommandLine.unsafeArgv.advanced(by: 1)
        let status = LLVMFuzzerRunDriver(&count, &arguments) { bytes, count in
            WitanFuzz.check(Array(UnsafeBufferPointer(start: bytes, count: count)))
            return 0
        }
        precondition(status == 0, "libFuzzer could not run")
    }

    /// Ends the process when the check fails, which is how libFuzzer learns of it.
    private static func check(_ bytes: [UInt8]) {
        let outcome = Mutex<Result<FuzzTarget.Verdict, any Error>?>(nil)
        // No check waits for anything, so the task is over when `immediate` returns.
        Task.immediate {
            let result: Result<FuzzTarget.Verdict, any Error>
            do {
                result = .success(try await target.check(bytes))
            } catch {
                result = .failure(error)
            }
            outcome.withLock { $0 = result }
        }
        switch outcome.withLock({ $0 }) {
        case .success: return
        case .failure(let error): fatalError("\(target.name): \(error)")
        case nil: fatalError("\(target.name): the check waits for something")
        }
    }
}
