import Foundation
import Logging
import Testing
import WitanCore
import WitanTelemetry

struct StructuredLogHandlerTests {
    /// The lines that `body` leaves in the log.
    private func lines(
        _ format: LogFormat,
        level: Logger.Level = .trace,
        provider: Logger.MetadataProvider? = nil,
        _ body: (inout Logger) -> Void
    ) throws -> [String] {
        let pipe = try LogPipe()
        let output = LogOutput(format, to: pipe)
        var logger = Logger(label: "witan.test") { label in
            StructuredLogHandler(label: label, output: output, level: level, metadataProvider: provider)
        }
        body(&logger)
        output.flush()
        return try pipe.lines()
    }

    @Test("A JSON line has its members in one order")
    func jsonText() throws {
        let lines = try lines(.json) { logger in
            logger[metadataKey: "b"] = "2"
            let nested: Logger.MetadataValue = ["y": [.stringConvertible(true)], "x": ["1", "2"]]
            logger.notice("Hello", metadata: ["a": .stringConvertible(1), "c": nested])
        }
        #expect(
            lines == [
                #"{"time":"2025-11-12T02:58:27.365Z","level":"notice","label":"witan.test","message":"Hello","#
                    + #""a":1,"b":"2","c":{"x":["1","2"],"y":[true]}}"#
            ]
        )
    }

    @Test("A line for people has the time of day, the level, the message and the members")
    func humanText() throws {
        let lines = try lines(.human) { logger in
            logger.info("Server started", metadata: ["port": "8000", "at": ["host": "a b", "list": ["x", "="]]])
            logger.critical("Gone")
            logger.trace("", metadata: ["empty": "", "quote": "\"\\"])
        }
        #expect(
            lines == [
                #"02:58:27.365 INFO  Server started  at.host="a b" at.list.0=x at.list.1="=" port=8000"#,
                #"02:58:27.365 FATAL Gone"#,
                #"02:58:27.365 TRACE   empty="" quote="\"\\""#,
            ]
        )
    }

    @Test(
        "No value can end a line, begin one, or move a terminal's cursor",
        arguments: [
            "\n{\"level\":\"info\"}", "\r\n", "\u{0}", "\u{1B}[2J", "\u{85}", "\u{2028}next", "\u{202E}evil", "a\"b",
            "\\",
            "\\n", "\",\"level\":\"x", "x=y z", "ü 😀", "\u{FFFD}", "\u{7F}", String(repeating: "\n", count: 100),
        ]
    )
    func hostile(value: String) throws {
        func log(_ logger: inout Logger) {
            logger.info("\(value)", metadata: ["key": "\(value)", "nested": ["\(value)": "\(value)"]])
        }
        let json = try lines(.json, log)
        #expect(json.count == 1)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(json[0].utf8)) as? NSDictionary)
        #expect(
            object == [
                "time": "2025-11-12T02:58:27.365Z", "level": "info", "label": "witan.test", "message": value,
                "key": value, "nested": [value: value],
            ] as NSDictionary
        )
        let human = try lines(.human, log)
        #expect(human.count == 1)
        #expect(
            human[0].unicodeScalars
                .allSatisfy { scalar in
                    ![.control, .format, .lineSeparator, .paragraphSeparator]
                        .contains(scalar.properties.generalCategory)
                }
        )
    }

    @Test("Generated text of every kind comes back from a JSON line as it was")
    func generated() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var random = RandomSource.seeded(seed)
        let alphabet = Array("ab\"\\\n\r\t\u{0}\u{1F}\u{7F}\u{80}é\u{2028}😀{}[]:,=/ ".unicodeScalars)
        let values = (0..<200)
            .map { _ in
                var text = ""
                for _ in 0..<Int.random(in: 0...40, using: &random) {
                    text.unicodeScalars.append(alphabet.randomElement(using: &random) ?? " ")
                }
                return text
            }
        let lines = try lines(.json) { logger in
            for value in values { logger.info("m", metadata: ["v": "\(value)"]) }
        }
        let read = try lines.map { line in
            try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])["v"] as? String
        }
        #expect(read == values)
    }

    @Test("Metadata never takes the place of what every line has")
    func reservedNames() throws {
        let lines = try lines(.json) { logger in
            logger.info("real", metadata: ["message": "forged", "level": "forged", "_level": "own", "error": "forged"])
        }
        #expect(
            lines == [
                #"{"time":"2025-11-12T02:58:27.365Z","level":"info","label":"witan.test","message":"real","#
                    + #""__level":"forged","_error":"forged","_level":"own","_message":"forged"}"#
            ]
        )
    }

    @Test("The call's metadata wins over the provider's, and that over the logger's")
    func precedence() throws {
        let provider = Logger.MetadataProvider { ["b": "provider", "c": "provider"] }
        let lines = try lines(.human, provider: provider) { logger in
            logger[metadataKey: "a"] = "logger"
            logger[metadataKey: "b"] = "logger"
            logger[metadataKey: "c"] = "logger"
            logger.info("m", metadata: ["c": "call"])
        }
        #expect(lines == ["02:58:27.365 INFO  m  a=logger b=provider c=call"])
    }

    @Test("Level and metadata are values: a copy of a logger changes alone")
    func valueSemantics() throws {
        let lines = try lines(.human, level: .info) { logger in
            var other = logger
            other.logLevel = .debug
            other[metadataKey: "only"] = "other"
            logger.debug("hidden")
            other.debug("shown")
            logger.info("plain")
        }
        #expect(lines == ["02:58:27.365 DEBUG shown  only=other", "02:58:27.365 INFO  plain"])
    }

    @Test("Credentials are hidden wherever they turn up", arguments: LogFormat.allCases)
    func redaction(format: LogFormat) throws {
        struct Leak: Error, CustomStringConvertible {
            let description = "error with sk-secret"
        }
        let lines = try lines(format) { logger in
            logger.info(
                "message with sk-secret",
                error: Leak(),
                metadata: [
                    "text": "sk-secret", "convertible": .stringConvertible(Leak()),
                    "nested": ["array": ["sk-secret", .string(String(repeating: "x", count: 4_090) + "sk-secret")]],
                ]
            )
        }
        #expect(lines.count == 1)
        #expect(!lines[0].contains("sk-s"))
        #expect(lines[0].contains("sk-****"))
    }

    @Test("A value that is too long is cut, and the line stays whole", arguments: LogFormat.allCases)
    func longValues(format: LogFormat) throws {
        let lines = try lines(format) { logger in
            logger.info("m", metadata: ["long": "\(String(repeating: "é", count: 1 << 20))", "next": "there"])
        }
        #expect(lines.count == 1)
        #expect(lines[0].utf8.count < 5_000)
        #expect(lines[0].contains("there"))
    }

    @Test("An error's cause, which nobody outside may see, is in the log")
    func errors() throws {
        struct DiskFull: Error {}
        let failure = Failure(.unavailable, "Try again.", underlying: Failure.bug("No row", underlying: DiskFull()))
        let lines = try lines(.human) { $0.error("Failed", error: failure) }
        #expect(
            lines == [
                #"02:58:27.365 ERROR Failed  error="unavailable: Try again., caused by bug: No row, caused by DiskFull()""#
            ]
        )
    }
}
