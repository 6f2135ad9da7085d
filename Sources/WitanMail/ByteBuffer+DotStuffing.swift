import NIOCore

extension ByteBuffer {
    /// A message as the bytes after DATA, up to the line with a single dot that ends them (RFC 5321, 4.5.2).
    ///
    /// The message's lines, the last one too, end in CRLF.
    init(dotStuffing message: [UInt8]) {
        self.init()
        reserveCapacity(message.count + 16)
        var isLineStart = true
        for byte in message {
            if isLineStart, byte == UInt8(ascii: ".") { writeInteger(byte) }
            writeInteger(byte)
            isLineStart = byte == UInt8(ascii: "\n")
        }
        writeString(".\r\n")
    }
}
