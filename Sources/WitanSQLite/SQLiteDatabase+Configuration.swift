import GRDB
import WitanCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

extension SQLiteDatabase {
    /// How many connections there are, and how much each may hold.
    enum Sizes {
        /// Two more than there are processors, for those that wait for the disk.
        static let readers = min(max(sysconf(CInt(_SC_NPROCESSORS_ONLN)), 1) + 2, 16)

        /// How often a worker gives way before it commits or goes to sleep.
        static let turnsForOthers = 4

        /// Transactions that a reader takes from the queue at a time.
        static let readsAtATime = 8

        /// KiB of pages that the writer keeps; it meets the leaves of every index.
        static let writerCache = 8 << 10

        /// KiB of pages that all readers together keep; the system's own cache holds the rest of the file.
        static let readersCache = 16 << 10

        /// Pages in the write-ahead log from which an idle writer moves them into the file.
        static let logPagesWhenIdle: CInt = 1_000

        /// Pages in the write-ahead log from which a busy writer does it too.
        static let logPagesWhenBusy: CInt = 16_000

        /// Bytes that the write-ahead log's file keeps, to be written over, once a burst has made it larger.
        static let logBytes = 64 << 20
    }

    /// What GRDB is to do on each connection.
    static func configuration(_ limits: Limits, _ access: Access) -> Configuration {
        let lockMilliseconds = Int(limits.databaseLockDuration / .milliseconds(1))
        var configuration = Configuration()
        configuration.label = "SQLiteDatabase"
        configuration.readonly = access == .readOnly
        configuration.foreignKeysEnabled = true
        // One more for maintenance, which would keep a reader waiting otherwise.
        configuration.maximumReaderCount = Sizes.readers + 1
        configuration.prepareDatabase { database in
            let isReader = database.configuration.readonly
            try database.execute(
                sql: """
                    PRAGMA busy_timeout = \(lockMilliseconds);
                    PRAGMA cache_size = -\(isReader ? Sizes.readersCache / Sizes.readers : Sizes.writerCache);
                    PRAGMA temp_store = MEMORY;
                    PRAGMA trusted_schema = OFF;
                    """
            )
            if isReader { return }
            // `fullfsync` is for macOS, where fsync alone leaves data in the disk's own cache.
            try database.execute(
                sql: """
                    PRAGMA wal_autocheckpoint = 0;
                    PRAGMA journal_size_limit = \(Sizes.logBytes);
                    PRAGMA fullfsync = ON;
                    """
            )
        }
        return configuration
    }
}
