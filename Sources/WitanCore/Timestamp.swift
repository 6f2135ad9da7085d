/// A moment in UTC, in microseconds since 1970-01-01T00:00:00Z, without leap seconds.
///
/// Databases hold the integer, so that both engines sort and compare alike; JSON holds RFC 3339 with milliseconds
/// (`2025-11-12T02:58:27.365Z`), the form that the official clients were recorded with.
package struct Timestamp: Sendable, Hashable, Comparable {
    /// Microseconds since 1970-01-01T00:00:00Z.
    package let microseconds: Int64

    /// Takes microseconds since 1970-01-01T00:00:00Z.
    package init(microseconds: Int64) {
        self.microseconds = microseconds
    }

    /// Takes seconds since 1970-01-01T00:00:00Z.
    package init(seconds: Int64) {
        self.microseconds = seconds * 1_000_000
    }

    /// The whole seconds since 1970-01-01T00:00:00Z, rounded down.
    package var seconds: Int64 { Self.floorDivide(microseconds, 1_000_000).quotient }

    /// The same moment without what JSON does not show, so that a stored time equals the printed one.
    package var truncatedToMilliseconds: Timestamp {
        Timestamp(microseconds: Self.floorDivide(microseconds, 1_000).quotient * 1_000)
    }

    /// The moment that comes `duration` later.
    package func advanced(by duration: Duration) -> Timestamp {
        let (seconds, attoseconds) = duration.components
        return Timestamp(microseconds: microseconds + seconds * 1_000_000 + attoseconds / 1_000_000_000_000)
    }

    package static func < (left: Timestamp, right: Timestamp) -> Bool { left.microseconds < right.microseconds }

    private static func floorDivide(_ value: Int64, _ divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}

// MARK: - RFC 3339

extension Timestamp {
    /// RFC 3339 in UTC with milliseconds, 24 characters for the years 0000 to 9999.
    package var rfc3339: String {
        String(unsafeUninitializedCapacity: 24) { buffer in
            write(into: buffer)
            return 24
        }
    }

    private func write(into buffer: UnsafeMutableBufferPointer<UInt8>) {
        let (days, inDay) = Self.floorDivide(microseconds, 86_400_000_000)
        let (year, month, day) = Self.civil(fromDays: days)
        let milliseconds = inDay / 1_000
        var at = 0
        func put(_ value: Int64, digits: Int) {
            var rest = value
            for place in stride(from: at + digits - 1, through: at, by: -1) {
                buffer[place] = UInt8(ascii: "0") + UInt8(rest % 10)
                rest /= 10
            }
            at += digits
        }
        func put(_ separator: Unicode.Scalar) {
            buffer[at] = UInt8(ascii: separator)
            at += 1
        }
        put(min(max(year, 0), 9999), digits: 4)
        put("-")
        put(month, digits: 2)
        put("-")
        put(day, digits: 2)
        put("T")
        put(milliseconds / 3_600_000, digits: 2)
        put(":")
        put(milliseconds / 60_000 % 60, digits: 2)
        put(":")
        put(milliseconds / 1_000 % 60, digits: 2)
        put(".")
        put(milliseconds % 1_000, digits: 3)
        put("Z")
    }

    /// Reads RFC 3339 (section 5.6): any number of fraction digits (those past microseconds are cut off), any offset.
    ///
    /// `nil` when the text has another form or names a day or time that does not exist. A leap second (`:60`) is refused.
    package init?(rfc3339 text: String) {
        var reader = DigitReader(text: text)
        guard let year = reader.digits(4), reader.skip("-"),
            let month = reader.digits(2), reader.skip("-"),
            let day = reader.digits(2), reader.skip("T") || reader.skip("t") || reader.skip(" "),
            let hour = reader.digits(2), reader.skip(":"),
            let minute = reader.digits(2), reader.skip(":"),
            let second = reader.digits(2)
        else { return nil }
        var fraction: Int64 = 0
        if reader.skip(".") {
            guard let micros = reader.fraction() else { return nil }
            fraction = micros
        }
        guard let offset = reader.offset(), reader.isAtEnd,
            (1...12).contains(month), (1...Self.days(in: month, of: year)).contains(day),
            hour < 24, minute < 60, second < 60
        else { return nil }
        let days = Self.days(fromCivil: year, month, day)
        let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second - offset * 60
        self.init(microseconds: seconds * 1_000_000 + fraction)
    }

    private static func days(in month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 2: (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    // The two conversions count in "computational years" that begin on 1 March, so that the leap day comes last and
    // the lengths of the months follow one straight line: (153 * month + 2) / 5.

    private static func days(fromCivil year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = floorDivide(shifted, 400)
        let monthFromMarch = (month + 9) % 12
        let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    private static func civil(fromDays days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let (era, dayOfEra) = floorDivide(days + 719_468, 146_097)
        let leapDays = dayOfEra / 1_460 - dayOfEra / 36_524 + dayOfEra / 146_096
        let yearOfEra = (dayOfEra - leapDays) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, day)
    }
}

/// Reads the fixed fields of a date from left to right.
private struct DigitReader {
    private var rest: Substring.UTF8View

    init(text: String) {
        rest = text[...].utf8
    }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard rest.first == UInt8(ascii: character) else { return false }
        rest.removeFirst()
        return true
    }

    mutating func digit() -> Int64? {
        guard let byte = rest.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
        rest.removeFirst()
        return Int64(byte - UInt8(ascii: "0"))
    }

    mutating func digits(_ count: Int) -> Int64? {
        var value: Int64 = 0
        for _ in 0..<count {
            guard let next = digit() else { return nil }
            value = value * 10 + next
        }
        return value
    }

    /// One digit or more after the point, as microseconds.
    mutating func fraction() -> Int64? {
        guard var value = digit() else { return nil }
        var count = 1
        while let next = digit() {
            if count < 6 {
                value = value * 10 + next
                count += 1
            }
        }
        while count < 6 {
            value *= 10
            count += 1
        }
        return value
    }

    /// `Z` or `±hh:mm`, in minutes east of UTC.
    mutating func offset() -> Int64? {
        if skip("Z") || skip("z") { return 0 }
        let sign: Int64
        if skip("+") {
            sign = 1
        } else if skip("-") {
            sign = -1
        } else {
            return nil
        }
        guard let hours = digits(2), skip(":"), let minutes = digits(2), hours < 24, minutes < 60 else { return nil }
        return sign * (hours * 60 + minutes)
    }
}
