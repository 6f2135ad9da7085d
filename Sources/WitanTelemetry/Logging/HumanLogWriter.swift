import Logging
import WitanCore

/// Writes a log line for a person at a terminal.
struct HumanLogWriter {
    private(set) var bytes: [UInt8] = []
    private var hasMembers = false

    /// The time of day in UTC, the level in five letters, the message.
    mutating func begin(time: Timestamp, level: Logger.Level, message: String) {
        bytes.reserveCapacity(320)
        bytes.append(contentsOf: time.rfc3339.utf8.dropFirst(11).prefix(12))
        bytes.append(UInt8(ascii: " "))
        bytes.append(contentsOf: Self.name(of: level).utf8)
        bytes.append(UInt8(ascii: " "))
        escape(message, quoted: false)
    }

    /// `name=value`, quoted when the value could be taken for something else.
    mutating func member(_ name: String, _ value: String) {
        // Two spaces before the first member show where the message ends.
        bytes.append(contentsOf: hasMembers ? " ".utf8 : "  ".utf8)
        hasMembers = true
        text(name)
        bytes.append(UInt8(ascii: "="))
        text(value)
    }

    private mutating func text(_ text: String) {
        var text = text
        let isPlain = text.withUTF8 { !$0.isEmpty && $0.allSatisfy(Self.isPlain) }
        guard !isPlain else {
            bytes.append(contentsOf: text.utf8)
            return
        }
        bytes.append(UInt8(ascii: "\""))
        escape(text, quoted: true)
        bytes.append(UInt8(ascii: "\""))
    }

    /// Whether a byte can stand in a value without quotes.
    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "="), UInt8(ascii: "\\"): false
        default: (UInt8(ascii: "!")...UInt8(ascii: "~")).contains(byte)
        }
    }

    /// Shows as `\n` or `\u{…}` whatever a terminal might obey: controls, line separators, changes of direction.
    private mutating func escape(_ text: String, quoted: Bool) {
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": bytes.append(contentsOf: "\\n".utf8)
            case "\r": bytes.append(contentsOf: "\\r".utf8)
            case "\t": bytes.append(contentsOf: "\\t".utf8)
            case "\"" where quoted, "\\" where quoted:
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(UInt8(ascii: scalar))
            case " "..."~": bytes.append(UInt8(ascii: scalar))
            default:
                switch scalar.properties.generalCategory {
                case .control, .format, .lineSeparator, .paragraphSeparator:
                    bytes.append(contentsOf: "\\u{\(String(scalar.value, radix: 16))}".utf8)
                default:
                    bytes.append(contentsOf: scalar.utf8)
                }
            }
        }
    }

    private static func name(of level: Logger.Level) -> String {
        switch level {
        case .trace: "TRACE"
        case .debug: "DEBUG"
        case .info: "INFO "
        case .notice: "NOTE "
        case .warning: "WARN "
        case .error: "ERROR"
        case .critical: "FATAL"
        }
    }
}
