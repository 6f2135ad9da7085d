package import WitanCore
package import WitanJSON
package import WitanTelemetry

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A log of JSON lines that a test reads back, in a file without a name.
package final class LogCapture: Sendable {
    /// Where the server writes to.
    package let output: LogOutput

    private let descriptor: Int32

    /// Makes an empty log; `redact` hides credentials, as the server's own does.
    package init(time: TimeSource, redact: @escaping @Sendable (String) -> String) throws(Failure) {
        var path = Array("/tmp/witan-log-XXXXXX".utf8CString)
        descriptor = mkstemp(&path)
        guard descriptor >= 0, unlink(path) == 0 else { throw .bug("No temporary file for the log could be made") }
        output = LogOutput(format: .json, time: time, redact: redact, descriptor: descriptor)
    }

    /// Everything that was logged until now.
    package var text: String {
        output.flush()
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = pread(descriptor, &buffer, buffer.count, off_t(bytes.count))
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += buffer[..<count]
        }
    }

    /// The lines that were logged until now, in order.
    package func lines() throws -> [JSONObject] {
        try text.split(separator: "\n")
            .map { line in
                guard let object = try JSONParser.parse(String(line)).object else {
                    throw Failure.bug("A line of the log is not an object")
                }
                return object
            }
    }

    /// Ends the log; nothing may be logged afterwards.
    func close() {
        output.flush()
        closeDescriptor(descriptor)
    }
}

/// `close` of the C library, whose name the method above hides.
private func closeDescriptor(_ descriptor: Int32) {
    close(descriptor)
}
