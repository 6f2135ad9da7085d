package import WitanCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

extension MetricsRegistry {
    /// Registers what the operating system knows of this process, under the names that all Prometheus clients use.
    ///
    /// Read from `/proc`, hence on Linux only; elsewhere nothing is registered.
    package func registerProcessMetrics() throws(Failure) {
        #if os(Linux)
        let ticksPerSecond = Double(sysconf(Int32(_SC_CLK_TCK)))
        let pageBytes = Double(sysconf(Int32(_SC_PAGESIZE)))
        try gauge("process_resident_memory_bytes", help: "Resident memory size in bytes.") {
            ProcessFile.fields("/proc/self/statm").flatMap { $0.count > 1 ? Double($0[1]) : nil }.map { $0 * pageBytes }
        }
        try counter("process_cpu_seconds_total", help: "User and system CPU time spent in seconds.") {
            guard let stat = ProcessStat(), let user = stat[14], let system = stat[15] else { return nil }
            return (user + system) / ticksPerSecond
        }
        try gauge("process_open_fds", help: "Number of open file descriptors.") {
            ProcessFile.entries("/proc/self/fd").map(Double.init)
        }
        let bootTime = ProcessFile.text("/proc/stat")?.split(separator: "\n").first { $0.hasPrefix("btime ") }
        let startTime: Double? =
            if let bootTime, let boot = Double(bootTime.dropFirst(6)), let ticks = ProcessStat()?[22] {
                boot + ticks / ticksPerSecond
            } else {
                nil
            }
        try gauge("process_start_time_seconds", help: "Start time of the process since the Unix epoch in seconds.") {
            startTime
        }
        #endif
    }
}

#if os(Linux)
/// The fields of `/proc/self/stat`, numbered from 1 as in proc(5).
private struct ProcessStat {
    private let fields: [Substring]

    init?() {
        // The second field is the executable's name in parentheses; it may hold spaces and parentheses itself.
        guard let text = ProcessFile.text("/proc/self/stat"), let end = text.lastIndex(of: ")") else { return nil }
        fields = text[text.index(after: end)...].split(separator: " ")
    }

    subscript(number: Int) -> Double? {
        let index = number - 3
        return fields.indices.contains(index) ? Double(fields[index]) : nil
    }
}

private enum ProcessFile {
    static func fields(_ path: String) -> [Substring]? {
        text(path)?.split(separator: " ")
    }

    static func text(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            guard count >= 0 else { return nil }
            guard count > 0 else { break }
            bytes.append(contentsOf: buffer[..<count])
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The number of entries of a folder, without the descriptor that this takes itself.
    static func entries(_ path: String) -> Int? {
        guard let folder = opendir(path) else { return nil }
        defer { closedir(folder) }
        var count = 0
        while readdir(folder) != nil { count += 1 }
        // `.`, `..` and the folder's own descriptor.
        return count - 3
    }
}
#endif
