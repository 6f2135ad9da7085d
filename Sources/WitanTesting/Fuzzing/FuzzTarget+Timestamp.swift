import Foundation
import WitanCore

extension FuzzTarget {
    /// A date and time: what is accepted survives writing, and Foundation, where it reads the text too, agrees.
    static let timestamp = FuzzTarget(name: "timestamp") { bytes in
        let text = String(decoding: bytes, as: UTF8.self)
        guard let moment = Timestamp(rfc3339: text) else { return .refused }
        // An offset can lead out of the years that the written form has.
        if writableSeconds.contains(moment.seconds) {
            let read = try require(Timestamp(rfc3339: moment.rfc3339), "what is written is read")
            try require(read == moment.truncatedToMilliseconds, "a moment stays the same when written and read")
        }
        if let seconds = foundationSeconds(text), seconds >= gregorianSeconds {
            let difference = Double(moment.microseconds) / 1_000_000 - seconds
            try require(abs(difference) < 0.001, "Foundation reads the same moment")
        }
        return .accepted
    }

    /// From 0000-01-01T00:00:00Z to the end of the year 9999.
    private static let writableSeconds: Range<Int64> = -62_167_219_200..<253_402_300_800

    /// 1582-10-15T00:00:00Z: before it, Foundation counts in the Julian calendar.
    private static let gregorianSeconds = -12_219_292_800.0

    private static func foundationSeconds(_ text: String) -> Double? {
        for hasFraction in [false, true] {
            let style = Date.ISO8601FormatStyle(includingFractionalSeconds: hasFraction)
            // It reads fewer forms than RFC 3339 has.
            if let date = try? style.parse(text) { return date.timeIntervalSince1970 }
        }
        return nil
    }
}
