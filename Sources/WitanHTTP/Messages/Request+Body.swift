import Hummingbird
import NIOCore
import WitanCore
import WitanJSON

extension Request {
    /// The JSON value of the body; nil for a body of no bytes.
    ///
    /// The media type is not looked at: clients were seen to send JSON without one (design: key service, section 1).
    ///
    /// - Throws: `.tooLarge` before a body is read whose length is beyond the limit, and `.invalidRequest` for one that is
    ///   not exactly one JSON value.
    func json(limits: Limits, record: RequestRecord) async throws -> JSONValue? {
        let refusal = Failure(.tooLarge, "The body is larger than \(limits.requestBodyBytes) bytes; send less.")
        if let length = headers[.contentLength].flatMap({ Int($0) }) {
            guard length <= limits.requestBodyBytes else { throw refusal }
            if length == 0 { return nil }
        }
        let buffer = try await bytes(atMost: limits.requestBodyBytes, refusal: refusal, record: record)
        guard buffer.readableBytes > 0 else { return nil }
        do {
            return try buffer.withUnsafeReadableBytes { bytes throws(JSONParseError) in
                try JSONParser.parse(bytes.bindMemory(to: UInt8.self), maximumDepth: limits.jsonDepth)
            }
        } catch {
            throw Failure(parse: error)
        }
    }

    /// The bytes of the body, which may take its time to arrive.
    ///
    /// - Throws: `refusal` for more than so many.
    func bytes(atMost limit: Int, refusal: Failure, record: RequestRecord) async throws -> ByteBuffer {
        let buffer = try await TransactionDeadline.postponed {
            var buffer = ByteBuffer()
            for try await var part in body {
                guard buffer.readableBytes + part.readableBytes <= limit else { throw refusal }
                if buffer.readableBytes == 0 {
                    buffer = part
                } else {
                    buffer.writeBuffer(&part)
                }
            }
            return buffer
        }
        record.set { $0.bytesIn = buffer.readableBytes }
        return buffer
    }
}

extension Failure {
    /// What is wrong with a body that is not JSON.
    fileprivate init(parse error: JSONParseError) {
        if case .duplicateName(let name) = error.reason {
            self.init(invalid: [Issue(path: [name], message: "is given twice; give it once")])
        } else {
            self.init(.invalidRequest, error.message)
        }
    }
}
