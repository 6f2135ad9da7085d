import Logging
import WitanCore
import WitanJSON

/// Puts one log line together, in either format.
///
/// Whatever a client sent goes through `string`, which hides credentials and cuts what is too long. No value can end the
/// line or begin another: both formats escape control characters.
struct LogLine {
    private static let longestText = 4_096

    private let format: LogFormat
    private let redact: @Sendable (String) -> String
    private var json: JSONWriter
    private var human = HumanLogWriter()

    /// Begins a line with the four members that all lines have.
    init(
        format: LogFormat,
        redact: @escaping @Sendable (String) -> String,
        time: Timestamp,
        level: Logger.Level,
        label: String,
        message: String
    ) {
        self.format = format
        self.redact = redact
        // Room for an access log line; the writer that is not used takes none.
        json = JSONWriter(reservingCapacity: format == .json ? 640 : 0)
        let message = presentable(message)
        switch format {
        case .json:
            json.beginObject()
            trusted("time", time.rfc3339)
            trusted("level", level.rawValue)
            trusted("label", label)
            trusted("message", message)
        case .human:
            human.begin(time: time, level: level, message: message)
        }
    }

    /// A text from outside.
    mutating func string(_ name: String, _ value: String) {
        trusted(name, presentable(value))
    }

    /// A text that this program made from fixed words, digits and ids, written as it is.
    mutating func trusted(_ name: String, _ value: String) {
        switch format {
        case .json:
            json.name(name)
            json.string(value)
        case .human:
            human.member(name, value)
        }
    }

    /// An integer.
    mutating func int(_ name: String, _ value: Int) {
        number(name, String(value))
    }

    /// A number that is text already.
    mutating func number(_ name: String, _ text: String) {
        switch format {
        case .json:
            json.name(name)
            json.rawValue(text.utf8)
        case .human:
            human.member(name, text)
        }
    }

    /// A metadata value; dictionaries are objects in JSON, and names with dots for people.
    mutating func metadata(_ name: String, _ value: Logger.MetadataValue) {
        switch format {
        case .json:
            json.name(name)
            write(value)
        case .human:
            flatten(name, value)
        }
    }

    /// Ends the line and gives its bytes, without a newline.
    mutating func finish() -> [UInt8] {
        switch format {
        case .json:
            json.endObject()
            return json.bytes
        case .human:
            return human.bytes
        }
    }
}

// MARK: - Values

extension LogLine {
    private func presentable(_ text: String) -> String {
        // Redacted first: half a credential would no longer look like one.
        let text = redact(text)
        guard text.utf8.count > Self.longestText else { return text }
        return String(decoding: text.utf8.prefix(Self.longestText), as: UTF8.self) + "…"
    }

    private mutating func write(_ value: Logger.MetadataValue) {
        switch value {
        case .string(let text): json.string(presentable(text))
        case .stringConvertible(let number as Int): json.int(number)
        case .stringConvertible(let truth as Bool): json.bool(truth)
        case .stringConvertible(let other): json.string(presentable(other.description))
        case .dictionary(let members):
            json.beginObject()
            for (name, value) in members.sorted(by: { $0.key < $1.key }) {
                json.name(name)
                write(value)
            }
            json.endObject()
        case .array(let elements):
            json.beginArray()
            for element in elements { write(element) }
            json.endArray()
        }
    }

    private mutating func flatten(_ name: String, _ value: Logger.MetadataValue) {
        switch value {
        case .string(let text): string(name, text)
        case .stringConvertible(let other): string(name, other.description)
        case .dictionary(let members):
            for (key, value) in members.sorted(by: { $0.key < $1.key }) { flatten("\(name).\(key)", value) }
        case .array(let elements):
            for (index, element) in elements.enumerated() { flatten("\(name).\(index)", element) }
        }
    }
}
