import Synchronization
import Testing
import WitanCore

@testable import WitanStorage
@testable import witan

@Suite("What a copy shows of how far it has come")
struct CopyDisplayTests {
    private static func status(
        _ rows: Int,
        of total: Int = 100,
        step: InstallationCopy.Status.Step = .copying
    ) -> InstallationCopy.Status {
        InstallationCopy.Status(step: step, table: "projects", rows: rows, total: total)
    }

    /// A display whose clock is set by the test, and what it has written.
    private final class Stage: Sendable {
        private let seconds = Mutex(1_000.0)
        private let text = Mutex("")

        var written: String { text.withLock { $0 } }

        func display(copied: Int = 0, isTerminal: Bool) -> CopyDisplay {
            let time = TimeSource(
                now: { Timestamp(seconds: 0) },
                monotonic: { self.seconds.withLock { Int64($0 * 1e9) } }
            )
            return CopyDisplay(copied: copied, time: time, isTerminal: isTerminal) { more in
                self.text.withLock { $0 += more }
            }
        }

        func wait(_ more: Double) { seconds.withLock { $0 += more } }
    }

    @Test(
        "The bar is as full as the rows are many, and says how long the rest takes",
        arguments: [
            (status(0), 0, "Copying [------------------------] 0 % of 100 rows, 0 s left, projects"),
            (status(25), 7, "Copying [######------------------] 25 % of 100 rows, 11 s left, projects"),
            (
                status(50, step: .comparing), 25,
                "Checking [############------------] 50 % of 100 rows, 2 s left, projects"
            ),
            (status(100), 10, "Copying [########################] 100 % of 100 rows, 0 s left, projects"),
            (status(0, of: 0), 0, "Copying [########################] 100 % of 0 rows, 0 s left, projects"),
            // More may have been added while it is copied.
            (status(120), 10, "Copying [########################] 100 % of 100 rows, 0 s left, projects"),
        ]
    )
    func bar(status: InstallationCopy.Status, speed: Double, text: String) {
        #expect(CopyDisplay.bar(status, speed: speed) == text)
    }

    @Test("On a terminal the bar is drawn over itself ten times a second at most, and its end always")
    func terminal() {
        let stage = Stage()
        let display = stage.display(isTerminal: true)
        stage.wait(1)
        display.show(Self.status(10))
        stage.wait(0.05)
        display.show(Self.status(11))
        let first = "\r\(CopyDisplay.bar(Self.status(10), speed: 10))\u{1B}[K"
        #expect(stage.written == first)
        stage.wait(0.95)
        display.show(Self.status(50))
        let second = "\r\(CopyDisplay.bar(Self.status(50), speed: 25))\u{1B}[K"
        #expect(stage.written == first + second)
        display.show(Self.status(100))
        let last = "\r\(CopyDisplay.bar(Self.status(100), speed: 50))\u{1B}[K"
        display.end()
        display.end()
        #expect(stage.written == first + second + last + "\n")
    }

    @Test("Elsewhere there is a line every five seconds, and none of a copy that is over before")
    func elsewhere() {
        let stage = Stage()
        let display = stage.display(copied: 20, isTerminal: false)
        stage.wait(4)
        display.show(Self.status(40))
        #expect(stage.written == "")
        stage.wait(1)
        display.show(Self.status(70))
        display.show(Self.status(80))
        let first = "Copied 70 of 100 rows (projects), 10 a second\n"
        #expect(stage.written == first)
        // What is compared begins anew.
        display.show(Self.status(0, step: .comparing))
        stage.wait(5)
        display.show(Self.status(100, step: .comparing))
        display.end()
        #expect(stage.written == first + "Checked 100 of 100 rows (projects), 20 a second\n")
    }

    @Test("Who interrupts a copy is told where it was and how to go on", arguments: [true, false])
    func interruption(isTerminal: Bool) {
        let stage = Stage()
        let display = stage.display(isTerminal: isTerminal)
        display.tellInterruption()
        #expect(stage.written == "Nothing was copied in this run. Interrupted; the same command goes on from there.\n")
        display.show(Self.status(30))
        display.tellInterruption()
        let end = "Copied 30 of 100 rows (projects). Interrupted; the same command goes on from there.\n"
        #expect(stage.written.hasSuffix(isTerminal ? "\u{1B}[K\n" + end : end))
    }
}
