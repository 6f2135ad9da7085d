import CSQLite

/// What SQLite does by itself, on one thread and without a server, when keys are created: the same rows into the same
/// tables and indexes, as durably, in transactions of a given size.
///
/// Takes a database file that Witan made, which it fills up with nonsense; how many creations share a transaction; and
/// for how many seconds. Prints SQLite's version and the creations a second.
@main
enum SQLiteFloor {
    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 4, let groupSize = Int(arguments[2]), let seconds = Int(arguments[3]) else {
            throw SQLiteError(description: "usage: SQLiteFloor FILE CREATIONS-PER-TRANSACTION SECONDS")
        }
        let rate = try creationsPerSecond(path: arguments[1], groupSize: groupSize, duration: .seconds(seconds))
        print(String(cString: sqlite3_libversion()), Int(rate))
    }

    private static func creationsPerSecond(path: String, groupSize: Int, duration: Duration) throws -> Double {
        let connection = try Connection(path: path)
        // As Witan's writer: durable commits, the same cache, and as long a log before it moves into the file.
        try connection.execute(
            """
            PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
            PRAGMA cache_size = -8192; PRAGMA wal_autocheckpoint = 16000;
            """
        )
        let creation = try Creation(on: connection)
        var random = SplitMix()
        let clock = ContinuousClock()
        let begin = clock.now
        var count = 0
        while clock.now - begin < duration {
            try connection.execute("BEGIN IMMEDIATE")
            for _ in 0..<groupSize {
                count += 1
                try creation.insert(number: count, using: &random)
            }
            try connection.execute("COMMIT")
        }
        return Double(count) / ((clock.now - begin) / .seconds(1))
    }
}

/// The three statements that write what one creation of a key leaves behind.
private struct Creation: ~Copyable {
    private let user: String
    private let organization: String
    private let key: String
    private let position: Int64
    private let insertKey: Statement
    private let insertEvent: Statement
    private let updateChain: Statement

    /// Prepares to create keys for the owner of a key that is there.
    init(on connection: borrowing Connection) throws {
        let owner = try connection.prepare(
            "SELECT user_id, org_id, id, (SELECT MAX(position) FROM audit_chains) FROM api_keys LIMIT 1"
        )
        let insertKey = try connection.prepare(
            """
            INSERT INTO api_keys (id, created, name, preview_name, user_id, org_id, digest, pepper_version)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """
        )
        let insertEvent = try connection.prepare(
            """
            INSERT INTO audit_events (
                chain, position, mac, id, created, event_type, outcome, org_id, actor_id, actor_email, authentication,
                credential_id, object_type, object_id, object_name, client_address, user_agent, trace_id
            ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?)
            """
        )
        let updateChain = try connection.prepare(
            "UPDATE audit_chains SET position = ?, mac = ?, seal = ? WHERE chain = 'main'"
        )
        let row = try owner.run()
        guard row.count == 4, let position = Int64(row[3]) else {
            throw SQLiteError(description: "The database has no key whose owner could have more.")
        }
        (user, organization, key) = (row[0], row[1], row[2])
        self.position = position
        self.insertKey = insertKey
        self.insertEvent = insertEvent
        self.updateChain = updateChain
    }

    /// Inserts what the creation of that number would; the numbers count up from 1.
    func insert(number: Int, using random: inout SplitMix) throws {
        let (id, event) = (random.id(number * 2), random.id(number * 2 + 1))
        let created = Self.firstMoment + Int64(number) * 100
        let place = position + Int64(number)
        let mac = random.digest()
        try insertKey.run(
            .text(id),
            .integer(created),
            .text("bench"),
            .text("sk-****07qW"),
            .text(user),
            .text(organization),
            .blob(random.digest()),
            .integer(1)
        )
        try insertEvent.run(
            .text("main"),
            .integer(place),
            .blob(mac),
            .text(event),
            .integer(created),
            .text("api_key.created"),
            .text("success"),
            .text(organization),
            .text(user),
            .text("bench@example.com"),
            .text("api_key"),
            .text(key),
            .text("api_key"),
            .text(id),
            .text("bench"),
            .text("127.0.0.1"),
            .text("4bf92f3577b34da6a3ce929d0e0e4736")
        )
        try updateChain.run(.integer(place), .blob(mac), .blob(random.digest()))
    }

    /// Microseconds; later than any moment at which Witan may have made the file's own keys.
    private static let firstMoment: Int64 = 4_000_000_000_000_000
}

/// Numbers that look like chance and cost next to nothing (Steele, Lea and Flood, 2014).
private struct SplitMix {
    private var state = UInt64.random(in: 0...UInt64.max)

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }

    /// An id that, like Witan's, is greater than those before it and ends in chance.
    mutating func id(_ number: Int) -> String {
        let (middle, end) = (next(), next())
        return """
            f\(Self.hex(UInt64(number), 7))-\(Self.hex(middle, 4))-\(Self.hex(middle >> 16, 4))-\
            \(Self.hex(middle >> 32, 4))-\(Self.hex(end, 12))
            """
    }

    /// As many bytes as a digest has.
    mutating func digest() -> [UInt8] {
        withUnsafeBytes(of: (next(), next(), next(), next()), Array.init)
    }

    private static func hex(_ value: UInt64, _ count: Int) -> String {
        let text = String(value & (1 << UInt64(count * 4) - 1), radix: 16)
        return String(repeating: "0", count: count - text.count) + text
    }
}
