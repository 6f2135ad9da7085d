import WitanCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// The system's reason for a call that failed (errno), for the log and for a sentence.
struct SystemError: Error, CustomStringConvertible {
    let code: CInt

    /// The reason of the call that has just failed on this thread.
    static var last: SystemError { SystemError(code: errno) }

    var description: String { String(cString: strerror(code)) }

    /// A failure to use a file or a folder: what was tried, why not, and what to do.
    func failure(_ attempt: String, _ path: String) -> Failure {
        let advice =
            switch code {
            case EACCES, EPERM: "let the server's user read and write it and its folder"
            case EROFS: "choose a folder on a disk that can be written"
            case ENOENT, ENOTDIR: "make its folder first, or choose another"
            case ENOSPC, EDQUOT: "free some space"
            default: "look at the system's log"
            }
        return Failure(.unavailable, "Cannot \(attempt) \(path) (\(self)): \(advice).", underlying: self)
    }
}
