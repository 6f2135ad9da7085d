#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Writes a batch of lines to a descriptor, blocking or not, without ever waiting for long.
struct LogWriter {
    /// How long one look at the descriptor waits for room.
    static let pollMilliseconds: Int32 = 50

    /// What a pipe takes at once or not at all: 4,096 bytes on Linux, at least 512 elsewhere (POSIX).
    ///
    /// Lines up to this length stay whole among those of other processes on the same pipe, and a write of that size
    /// does not block once `poll` has seen room.
    private static let chunkBytes = Int(PIPE_BUF)

    enum Outcome {
        case done
        /// The descriptor takes nothing at the moment; the rest is kept.
        case stuck
        /// The descriptor is broken; these lines of the batch are lost, and so is its report of so many.
        case failed(lines: Int, reported: Int)
    }

    private let descriptor: Int32
    private var bytes: [UInt8] = []
    /// Where the batch begins, behind what ends an older line.
    private var start = 0
    private var offset = 0
    private var reported = 0
    /// Whether the last thing that was written is half a line.
    private var isInsideLine = false

    /// Whether the last batch was lost.
    private(set) var hasFailed = false

    init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    var isDone: Bool { offset == bytes.count }

    /// Takes the next batch; when `reported` is not zero, its last line reports so many lost lines.
    mutating func load(_ batch: [UInt8], reporting reported: Int) {
        // Ends the line that a failure cut, so that the next one begins where a reader looks for it.
        bytes = isInsideLine ? [UInt8(ascii: "\n")] + batch : batch
        start = isInsideLine ? 1 : 0
        offset = 0
        self.reported = reported
    }

    /// Writes the batch until it is done, or the descriptor has had no room `polls` times.
    mutating func write(polls: Int) -> Outcome {
        var polls = polls
        while !isDone {
            guard polls > 0 else { return .stuck }
            guard waitForRoom() else {
                polls -= 1
                continue
            }
            let written = bytes[offset..<chunkEnd]
                .withUnsafeBytes { chunk in
                    systemWrite(descriptor, chunk.baseAddress, chunk.count)
                }
            if written > 0 {
                offset += written
                isInsideLine = bytes[offset - 1] != UInt8(ascii: "\n")
            } else if written < 0, errno != EINTR, errno != EAGAIN {
                return fail()
            } else {
                polls -= 1
            }
        }
        bytes = []
        offset = 0
        hasFailed = false
        return .done
    }

    private func waitForRoom() -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        // An error on the descriptor counts as room: the write that follows tells which one.
        return poll(&entry, 1, Self.pollMilliseconds) > 0
    }

    /// The end of the last whole line that fits into a chunk, or of the chunk when not even one does.
    private var chunkEnd: Int {
        let limit = min(offset + Self.chunkBytes, bytes.count)
        return bytes[offset..<limit].lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? limit
    }

    private mutating func fail() -> Outcome {
        let lines = bytes[max(offset, start)...].count { $0 == UInt8(ascii: "\n") } - (reported > 0 ? 1 : 0)
        bytes = []
        offset = 0
        hasFailed = true
        return .failed(lines: lines, reported: reported)
    }
}

/// `write` of the C library, whose name the method above hides.
private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
