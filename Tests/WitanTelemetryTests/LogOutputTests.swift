import Logging
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

struct LogOutputTests {
    private static let report = "Log lines were lost because the log's output was too slow or failed  lost="

    private func logger(_ output: LogOutput) -> Logger {
        Logger(label: "witan.test") { StructuredLogHandler(label: $0, output: output) }
    }

    /// The lines apart from the reports, and the sum of what these report as lost.
    private func sorted(_ lines: [String]) -> (lines: [String], reported: Int) {
        let reports = lines.filter { $0.contains(Self.report) }
        let lost = reports.compactMap { $0.split(separator: "=").last.flatMap { Int($0) } }
        return (lines.filter { !$0.contains(Self.report) }, lost.reduce(0, +))
    }

    @Test("Lines are written without a flush")
    func background() async throws {
        let pipe = try LogPipe()
        let output = LogOutput(.human, to: pipe)
        logger(output).info("Hello")
        var lines: [String] = []
        while lines.isEmpty {
            await Task.yield()
            lines = try pipe.lines()
        }
        #expect(lines == ["02:58:27.365 INFO  Hello"])
    }

    @Test("Lines of many threads stay whole, and those of one thread in order")
    func concurrency() async throws {
        let pipe = try LogPipe()
        let output = LogOutput(.human, to: pipe)
        let logger = logger(output)
        await withTaskGroup { group in
            for worker in 0..<4 {
                group.addTask {
                    for number in 0..<200 { logger.info("\(worker)/\(number)") }
                }
            }
        }
        output.flush()
        let lines = try pipe.lines()
        for worker in 0..<4 {
            let own = lines.filter { $0.hasPrefix("02:58:27.365 INFO  \(worker)/") }
            #expect(own == (0..<200).map { "02:58:27.365 INFO  \(worker)/\($0)" })
        }
        #expect(lines.count == 800)
        #expect(output.lostLines == 0)
    }

    @Test("A reader that stands still costs lines, which are counted and reported, and no line is cut")
    func slowReader() throws {
        let pipe = try LogPipe()
        let output = LogOutput(.human, to: pipe, capacity: 16 << 10)
        let logger = logger(output)
        for number in 0..<3_000 { logger.info("line \(number) \(String(repeating: "x", count: 80))") }
        output.flush(patience: .milliseconds(50))
        #expect(output.lostLines > 0)
        var bytes: [UInt8] = []
        var chunk = pipe.read()
        while !chunk.isEmpty {
            bytes += chunk
            output.flush(patience: .milliseconds(50))
            chunk = pipe.read()
        }
        logger.info("afterwards")
        output.flush()
        bytes += pipe.read()
        #expect(bytes.last == UInt8(ascii: "\n"))
        let (lines, reported) = sorted(String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init))
        #expect(reported == output.lostLines)
        #expect(lines.count + output.lostLines == 3_001)
        #expect(lines.allSatisfy { $0.hasSuffix("xxxx") || $0.hasSuffix("afterwards") })
    }

    @Test("A line that is longer than the buffer is lost, not the process")
    func oversized() throws {
        let pipe = try LogPipe()
        let output = LogOutput(.human, to: pipe, capacity: 1_000)
        logger(output).info("\(String(repeating: "x", count: 1_000))")
        logger(output).info("short")
        output.flush()
        let (lines, reported) = sorted(try pipe.lines())
        #expect(lines == ["02:58:27.365 INFO  short"])
        #expect(reported == 1)
        #expect(output.lostLines == 1)
    }

    @Test("A broken pipe costs the lines and nothing else; a mended one gets whole lines and the report")
    func brokenPipe() throws {
        let pipe = try LogPipe()
        let output = LogOutput(.human, to: pipe)
        let logger = logger(output)
        // Longer than the pipe, so that the break comes in the middle of the line.
        let values = (0..<50).map { _ in Logger.MetadataValue.string(String(repeating: "x", count: 4_000)) }
        logger.info("cut", metadata: ["values": .array(values)])
        output.flush(patience: .milliseconds(50))
        pipe.closeReadEnd()
        output.flush()
        logger.info("into the void")
        output.flush()
        output.flush()
        #expect(output.lostLines == 2)

        let mended = try LogPipe()
        try #require(dup2(mended.writeEnd, pipe.writeEnd) >= 0)
        logger.info("back")
        output.flush()
        let bytes = mended.read()
        #expect(
            String(decoding: bytes, as: UTF8.self) == """

                02:58:27.365 INFO  back
                02:58:27.365 WARN  \(Self.report)2

                """
        )
    }

    @Test("A descriptor that can't be written to is survived", arguments: ["/dev/full", "/dev/null"])
    func failingDevices(path: String) throws {
        let descriptor = open(path, path == "/dev/full" ? O_WRONLY : O_RDONLY)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        let output = LogOutput(format: .json, time: .fixed, redact: { $0 }, descriptor: descriptor)
        for _ in 0..<3 { logger(output).info("lost") }
        output.flush()
        #expect(output.lostLines == 3)
    }

    @Test("A descriptor that does not block is waited for")
    func nonBlocking() throws {
        let pipe = try LogPipe()
        try #require(fcntl(pipe.writeEnd, F_SETFL, O_NONBLOCK) == 0)
        let output = LogOutput(.human, to: pipe)
        for number in 0..<2_000 { logger(output).info("line \(number) \(String(repeating: "x", count: 80))") }
        var text = ""
        for _ in 0..<20 {
            output.flush(patience: .milliseconds(50))
            text += String(decoding: pipe.read(), as: UTF8.self)
        }
        let lines = text.split(separator: "\n")
        #expect(lines.count == 2_000)
        #expect(output.lostLines == 0)
    }

    @Test("Lost lines are among the metrics")
    func metric() throws {
        let pipe = try LogPipe()
        let output = LogOutput(.human, to: pipe, capacity: 10)
        let metrics = try ServerMetrics()
        try metrics.showLostLogLines(of: output)
        logger(output).info("too long for it")
        let families = try ExpositionParser.parse(metrics.registry.render())
        #expect(families.value("witan_log_lines_dropped_total") == 1)
    }
}
