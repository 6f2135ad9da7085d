/// Where a request stands in a distributed trace (W3C Trace Context, level 1).
///
/// https://www.w3.org/TR/trace-context-1/
package struct TraceContext: Sendable, Hashable {
    /// The first eight bytes of the trace's id, big-endian; not both halves are zero.
    package let traceHigh: UInt64

    /// The last eight bytes of the trace's id.
    package let traceLow: UInt64

    /// The id of the span, never zero: the sender's in what came in, this server's in what it makes.
    package let spanID: UInt64

    /// Whether the sender may have recorded the trace.
    package let sampled: Bool

    /// The `tracestate` header, to be passed on as it came.
    package let tracestate: String?

    /// A new trace, not sampled.
    package static func generate(using generator: inout some RandomNumberGenerator) -> TraceContext {
        TraceContext(
            traceHigh: generator.next(),
            // The one bit rules out the id that is all zeros, which means "none" (section 3.2.2.3).
            traceLow: generator.next() | 1,
            spanID: generator.next() | 1,
            sampled: false,
            tracestate: nil
        )
    }

    /// A new span in the same trace.
    package func child(using generator: inout some RandomNumberGenerator) -> TraceContext {
        TraceContext(
            traceHigh: traceHigh,
            traceLow: traceLow,
            spanID: generator.next() | 1,
            sampled: sampled,
            tracestate: tracestate
        )
    }

    /// The trace's id, 32 lower-case hexadecimal digits.
    package var traceIDText: String {
        String(unsafeUninitializedCapacity: 32) { buffer in
            Self.write(traceHigh, into: buffer, at: 0)
            Self.write(traceLow, into: buffer, at: 16)
            return 32
        }
    }

    /// The span's id, 16 lower-case hexadecimal digits.
    package var spanIDText: String {
        String(unsafeUninitializedCapacity: 16) { buffer in
            Self.write(spanID, into: buffer, at: 0)
            return 16
        }
    }

    /// The header to send with what this span asks of others, in version 00.
    package var traceparent: String { "00-\(traceIDText)-\(spanIDText)-\(sampled ? "01" : "00")" }

    private static func write(_ value: UInt64, into buffer: UnsafeMutableBufferPointer<UInt8>, at start: Int) {
        for index in 0..<16 {
            let nibble = UInt8(truncatingIfNeeded: value >> UInt64(60 - index * 4)) & 0xF
            buffer[start + index] = nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
        }
    }
}

// MARK: - Parsing

extension TraceContext {
    /// Reads the two headers; `nil` when `traceparent` is not valid, and then a new trace begins (section 4.3).
    ///
    /// An invalid or long `tracestate` is left out, which the standard allows; one that was sent in several headers is
    /// to be joined with commas first.
    package static func parse(traceparent: String, tracestate: String? = nil) -> TraceContext? {
        let bytes = Array(traceparent.utf8)
        let dash = UInt8(ascii: "-")
        guard bytes.count >= 55, bytes[2] == dash, bytes[35] == dash, bytes[52] == dash,
            let version = hex(bytes[0..<2]), version != 0xFF,
            let traceHigh = hex(bytes[3..<19]), let traceLow = hex(bytes[19..<35]), traceHigh | traceLow != 0,
            let spanID = hex(bytes[36..<52]), spanID != 0,
            let flags = hex(bytes[53..<55]),
            // Version 00 ends here; a later one may go on after a dash, and its new flags mean nothing to us.
            bytes.count == 55 || (version > 0 && bytes[55] == dash)
        else { return nil }
        return TraceContext(
            traceHigh: traceHigh,
            traceLow: traceLow,
            spanID: spanID,
            sampled: flags & 1 == 1,
            tracestate: tracestate.flatMap { TraceState.isValid($0) ? $0 : nil }
        )
    }

    private static func hex(_ digits: ArraySlice<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        for digit in digits {
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt64(digit - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt64(digit - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        return value
    }
}
