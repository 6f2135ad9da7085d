import HTTPTypes
import Hummingbird
import NIOCore
import WitanJSON

extension Response {
    /// An answer of JSON, which nobody may keep: it is the caller's alone.
    static func json(_ bytes: [UInt8], isPrivate: Bool = true) -> Response {
        var headers: HTTPFields = [.contentType: "application/json; charset=utf-8"]
        if isPrivate { headers[.cacheControl] = "no-store" }
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    /// A public answer of text.
    static func text(_ text: String, mediaType: String = "text/plain") -> Response {
        Response(
            status: .ok,
            headers: [.contentType: "\(mediaType); charset=utf-8"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text))
        )
    }
}
