import Testing
import WitanCore
import WitanTelemetry

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A pipe for a `LogOutput` to write into, whose other end the test reads without waiting.
final class LogPipe {
    private(set) var readEnd: Int32
    let writeEnd: Int32

    init() throws {
        // The process must survive a broken pipe, as the executable does.
        signal(SIGPIPE, SIG_IGN)
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        (readEnd, writeEnd) = (ends[0], ends[1])
        try #require(fcntl(readEnd, F_SETFL, O_NONBLOCK) == 0)
    }

    // The write end stays open: an output may still have a round of writing ahead, and its number must not come to
    // mean another test's pipe.
    deinit { closeReadEnd() }

    func closeReadEnd() {
        guard readEnd >= 0 else { return }
        close(readEnd)
        readEnd = -1
    }

    /// What is in the pipe now.
    func read() -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = readBytes(readEnd, &buffer, buffer.count)
            guard count > 0 else { return bytes }
            bytes.append(contentsOf: buffer[..<count])
        }
    }

    /// The lines in the pipe now, which must all have their end.
    func lines() throws -> [String] {
        let text = String(decoding: read(), as: UTF8.self)
        try #require(text.isEmpty || text.unicodeScalars.last == "\n")
        return text.unicodeScalars.split(separator: "\n").map(String.init)
    }
}

/// `read` of the C library, whose name the method above hides.
private func readBytes(_ descriptor: Int32, _ buffer: UnsafeMutableRawPointer, _ count: Int) -> Int {
    read(descriptor, buffer, count)
}

extension TimeSource {
    /// 2025-11-12T02:58:27.365Z, always.
    static let fixed = TimeSource(
        now: { Timestamp(microseconds: 1_762_916_307_365_000) },
        monotonic: { 0 }
    )
}

extension LogOutput {
    /// An output on a pipe with the fixed clock.
    convenience init(_ format: LogFormat, to pipe: LogPipe, capacity: Int = 8 << 20) {
        self.init(
            format: format,
            time: .fixed,
            redact: { $0.replacing("sk-secret", with: "sk-****") },
            descriptor: pipe.writeEnd,
            capacity: capacity
        )
    }
}
