import Testing
import WitanCore
import WitanStorage

@testable import WitanPostgres

@Suite("What conditions of PostgreSQL's mean")
struct PostgresErrorTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let state: String
        let code: Failure.Code
        var part = ""
        var isWorthAnotherTry = false
        var isLate = false

        var testDescription: String { state + (isLate ? ", late" : "") }
    }

    private static let cases = [
        Case(state: "23505", code: .conflict, part: "same unique value"),
        Case(state: "23P01", code: .conflict),
        Case(state: "23503", code: .invalidRequest, part: "referred to"),
        Case(state: "23502", code: .bug), Case(state: "23514", code: .bug),
        Case(state: "42601", code: .bug), Case(state: "42P01", code: .bug), Case(state: "22P02", code: .bug),
        Case(state: "25P02", code: .bug), Case(state: "XX000", code: .bug), Case(state: "54000", code: .bug),
        Case(state: "0A000", code: .bug, isWorthAnotherTry: true),
        Case(state: "40001", code: .unavailable, part: "try again", isWorthAnotherTry: true),
        Case(state: "40P01", code: .unavailable, part: "try again", isWorthAnotherTry: true),
        Case(state: "57014", code: .unavailable, part: "told to stop", isWorthAnotherTry: true),
        Case(state: "57014", code: .unavailable, part: "ask for less", isLate: true),
        Case(state: "55P03", code: .unavailable, part: "holds a lock"),
        Case(state: "25P03", code: .unavailable, part: "too slow", isWorthAnotherTry: true),
        Case(state: "25006", code: .unavailable, part: "Name the primary"),
        Case(state: "53100", code: .unavailable, part: "free some space"),
        Case(state: "53300", code: .unavailable, part: "lower --database-connections"),
        Case(state: "53200", code: .unavailable, part: "away"), Case(state: "53000", code: .unavailable, part: "away"),
        Case(state: "58030", code: .unavailable, part: "away"),
        Case(state: "28P01", code: .unavailable, part: "refused the password"),
        Case(state: "28000", code: .unavailable, part: "refuses this user"),
        Case(state: "3D000", code: .unavailable, part: "no database of that name"),
        Case(state: "3F000", code: .unavailable, part: "search_path"),
        Case(state: "42501", code: .unavailable, part: "may not do this"),
        Case(state: "26000", code: .unavailable, part: "--database-pooler transaction"),
        Case(state: "42P05", code: .unavailable, part: "--database-pooler transaction"),
        Case(state: "08006", code: .unavailable, part: "away", isWorthAnotherTry: true),
        Case(state: "08006", code: .unavailable, part: "away", isLate: true),
        Case(state: "08P01", code: .unavailable, part: "away", isWorthAnotherTry: true),
        Case(state: "57P01", code: .unavailable, part: "away", isWorthAnotherTry: true),
        Case(state: "57P02", code: .unavailable, part: "away", isWorthAnotherTry: true),
        Case(state: "57P03", code: .unavailable, part: "away", isWorthAnotherTry: true),
        Case(state: "57P04", code: .unavailable, part: "away", isWorthAnotherTry: true),
        Case(state: "57P05", code: .unavailable, part: "away", isWorthAnotherTry: true),
    ]

    @Test(
        "a condition is a failure of its kind, with a sentence, and run again only where that may help",
        arguments: cases
    )
    func meaning(expected: Case) {
        let error = PostgresError(state: expected.state, isLate: expected.isLate)
        let failure = Failure.postgres(error)
        #expect(failure.code == expected.code)
        #expect(expected.part.isEmpty || failure.message.contains(expected.part), "\(failure.message)")
        #expect((failure.retryAfter != nil) == (expected.code == .unavailable))
        #expect(failure.underlying is PostgresError)
        #expect(error.isWorthAnotherTry == expected.isWorthAnotherTry)
        if expected.code == .bug { #expect(failure.message.contains(expected.state)) }
    }

    @Test(
        "why a connection could not be made is known by the server's code, whatever its language",
        arguments: [
            (
                "connection to server at \"h\", port 1 failed: FATAL:  28P01: password\nLOCATION:  auth, auth.c:1\n",
                "28P01"
            ),
            ("connection to server at \"h\" failed: FATAL:  53300: es sind schon zu viele Verbindungen\n", "53300"),
            ("connection to server failed: ВАЖНО:  3D000: база данных \"x\" не существует\n", "3D000"),
            ("connection to server failed: FATAL:  57P03: the database system is starting up\n", "57P03"),
            ("connection to server failed: FATAL:  08P01: unsupported startup parameter: options\n", OwnState.pooler),
            ("connection to server failed: fe_sendauth: no password supplied\n", "28P01"),
            ("connection failed: server does not support SSL, but SSL was required\n", OwnState.noTLS),
            ("connection failed: SSL error: certificate verify failed\n", OwnState.certificate),
            ("connection failed: server certificate for \"a\" does not match host name \"b\"\n", OwnState.certificate),
            ("connection failed: server is in hot standby mode\n", "25006"),
            ("connection failed: session is read-only\n", "25006"),
            ("connection failed: Connection refused\n\tIs the server running?\n", "08001"), ("", "08001"),
        ]
    )
    func refusal(message: String, state: String) throws {
        let error = PostgresError(connectionMessage: message)
        #expect(error.state == state)
        #expect(!error.description.contains("\n") && !error.description.contains("LOCATION"))
        let address = try PostgresAddress(url: "postgres://u:hunter2@db.internal:6432/ledger")
        let failure = Failure.noConnection(to: address, error)
        #expect(failure.code == .unavailable && failure.retryAfter != nil)
        // Who asks is told that it is away, and who runs it why, and where.
        #expect(failure.message == "The database is away: try again shortly.")
        #expect(failure.explanation.hasSuffix("."))
        let isUnreachable = state.hasPrefix("08")
        #expect(failure.explanation.contains("db.internal:6432/ledger cannot be reached") == isUnreachable)
        #expect("\(failure)".contains(failure.explanation))
        #expect(!"\(failure) \(failure.message)".contains("hunter2"))
    }

    @Test(
        "question marks become numbered placeholders where they are none of a literal, a name or a comment",
        arguments: [
            ("SELECT ?, ?", "SELECT $1, $2"), ("", ""), ("?", "$1"), ("'?'", "'?'"), ("'it''s ?' ?", "'it''s ?' $1"),
            ("\"?\" ?", "\"?\" $1"), ("-- ?\n?", "-- ?\n$1"), ("a - ? - ?", "a - $1 - $2"), ("a-?-?", "a-$1-$2"),
            ("/* ? */ ?", "/* ? */ $1"), ("/*/ ? */ ?", "/*/ ? */ $1"), ("/**/?", "/**/$1"),
            ("/**/*? */?", "/**/*$1 */$2"),
            ("/* ' */ ?", "/* ' */ $1"), ("'/*' ? '*/'", "'/*' $1 '*/'"), ("? / ? * ?", "$1 / $2 * $3"),
            ("'ä?' ? ü", "'ä?' $1 ü"), ("'?", "'?"), ("--?", "--?"), ("a '' ? ''''?''", "a '' $1 ''''$2''"),
        ]
    )
    func placeholders(text: String, numbered: String) {
        #expect(PlaceholderText.numbered(text) == numbered)
    }

    @Test("bytes come back from both of the forms that a server may write them in", arguments: Seeds.few)
    func bytes(seed: UInt64) {
        var random = RandomSource.seeded(seed)
        for length in 0...300 {
            var bytes = random.bytes(length)
            // Backslashes are what matters.
            for index in bytes.indices where Int.random(in: 0...2, using: &random) == 0 { bytes[index] = 0x5C }
            let hexadecimal = "\\x" + bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            var escaped = ""
            for byte in bytes {
                switch byte {
                case 0x5C: escaped += "\\\\"
                case 0x20...0x7E: escaped.unicodeScalars.append(Unicode.Scalar(byte))
                default:
                    let octal = String(byte, radix: 8)
                    escaped += "\\" + String(repeating: "0", count: 3 - octal.count) + octal
                }
            }
            for text in [hexadecimal, escaped] {
                let value = Array(text.utf8).withUnsafeBufferPointer { PostgresRows.value($0, PostgresType.bytes) }
                #expect(value == .blob(bytes), "\(text)")
            }
        }
    }
}
