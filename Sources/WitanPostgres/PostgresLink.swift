import CLibPQ
import WitanCore
import WitanStorage

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A connection of libpq's, with its prepared statements; used by one thread at a time.
///
/// Everything waits in `poll` with a deadline, so that not even a server that says nothing holds a thread for ever.
final class PostgresLink {
    /// What a statement came to.
    struct Answer {
        var rows: [SQLRow] = []

        /// How many rows it inserted, changed or deleted.
        var changes = 0

        /// What the server says that it did, of a statement without rows: `COMMIT`.
        var tag = ""
    }

    /// The moment, in nanoseconds of the monotonic clock, at which it was opened.
    let openedAt: Int64

    /// The moment at which the server last answered.
    private(set) var heardAt: Int64

    /// Interrupts what runs on the server; to be used from any thread.
    let interrupt: PostgresInterrupt

    /// Whether it cannot be used any more.
    private(set) var isBroken = false

    private let handle: OpaquePointer
    private let limits: Limits
    private let time: TimeSource
    private let preparesStatements: Bool
    private let warnings: PostgresWarnings
    private var statements: [Statement: String] = [:]
    private var lastStatement = 0

    /// What begins the transaction; it goes out with its first statement.
    private var opening: PostgresOpening?

    /// Messages of one statement each whose answers nobody waited for; they are read before the next one's.
    private var unread = 0

    /// What the names of statements begin with: no other connection's, so that behind a pooler that hands connections
    /// around a statement is missed rather than taken for another one.
    private let namePrefix: String

    /// Statements with more arguments than this, which only long lists have, are not kept: each length is another text.
    private static let keptArguments = 32

    /// How long beyond the server's own deadline for a statement, and not longer than that one.
    private static let grace: Duration = .seconds(2)

    /// What the server must know to keep a statement: a null has no type of its own.
    private struct Statement: Hashable {
        let text: String
        let types: [Oid]
    }

    /// A part of a message, which has an answer of its own.
    private struct Step {
        /// Whether it belongs to what begins the transaction.
        var isOpening = false

        /// The statement that the server keeps from then on, and its name.
        var prepared: (statement: Statement, name: String)?
    }

    /// Connects to one server, by libpq's parameters; a host's name has its address beside it, or libpq would wait for the
    /// resolver without a deadline.
    init(
        _ parameters: [String: String],
        preparesStatements: Bool,
        limits: Limits,
        time: TimeSource
    ) throws(PostgresError) {
        openedAt = time.monotonic()
        self.limits = limits
        self.time = time
        self.preparesStatements = preparesStatements
        warnings = PostgresWarnings()
        handle = try Self.connect(
            parameters,
            warnings,
            deadline: openedAt + limits.databaseConnectDuration.nanoseconds,
            time
        )
        interrupt = PostgresInterrupt(handle)
        heardAt = time.monotonic()
        var random = RandomSource.system
        namePrefix = "w" + String(random.next(), radix: 16) + "_"
        PQsetnonblocking(handle, 1)
        // Nothing is under way yet, which is all that it asks for.
        PQenterPipelineMode(handle)
        // Statements are read and written by the standard, which has no backslashes in literals.
        if parameter("standard_conforming_strings") == "off" { try execute("SET standard_conforming_strings = on") }
    }

    deinit {
        PQfinish(handle)
    }

    // MARK: Connecting

    private static func connect(
        _ parameters: [String: String],
        _ warnings: PostgresWarnings,
        deadline: Int64,
        _ time: TimeSource
    ) throws(PostgresError) -> OpaquePointer {
        let names = parameters.keys.sorted()
        let texts = names.map { strdup($0) } + [nil] + names.map { strdup(parameters[$0] ?? "") } + [nil]
        defer { for text in texts { free(text) } }
        let pointers = texts.map { UnsafePointer($0) }
        let started = pointers.withUnsafeBufferPointer { pointers in
            guard let base = pointers.baseAddress else { return nil as OpaquePointer? }
            return PQconnectStartParams(base, base + names.count + 1, 0)
        }
        guard let handle = started else { throw PostgresError(state: "53200") }
        do throws(PostgresError) {
            warnings.count(of: handle)
            try finish(handle, deadline: deadline, time)
            try require(handle)
            return handle
        } catch {
            PQfinish(handle)
            throw error
        }
    }

    /// Waits until the connection is made.
    private static func finish(_ handle: OpaquePointer, deadline: Int64, _ time: TimeSource) throws(PostgresError) {
        // The server's reason then comes with its code, for its words may be of any language.
        PQsetErrorVerbosity(handle, PQERRORS_VERBOSE)
        var direction = PGRES_POLLING_WRITING
        while direction != PGRES_POLLING_OK {
            let isReady = PQstatus(handle) != CONNECTION_BAD && direction != PGRES_POLLING_FAILED
            let events = direction == PGRES_POLLING_READING ? POLLIN : POLLOUT
            guard isReady, wait(for: CInt(events), on: PQsocket(handle), until: deadline, time) else {
                throw PostgresError(connectionMessage: String(cString: PQerrorMessage(handle)))
            }
            direction = PQconnectPoll(handle)
        }
    }

    /// Refuses a server on which Witan's statements would fail or, worse, not.
    private static func require(_ handle: OpaquePointer) throws(PostgresError) {
        // Since 13 the server makes UUIDs by itself.
        if PQserverVersion(handle) < 130_000 { throw PostgresError(state: OwnState.version) }
        for name in ["server_encoding", "client_encoding"] {
            guard let encoding = PQparameterStatus(handle, name), String(cString: encoding) != "UTF8" else { continue }
            throw PostgresError(state: OwnState.encoding, connectionMessage: "\(name) is \(String(cString: encoding))")
        }
    }

    private func parameter(_ name: String) -> String? { PQparameterStatus(handle, name).map { String(cString: $0) } }

    // MARK: Statements

    /// Runs a statement without arguments that is needed once, and gives up when the server has not answered by then; by
    /// default a moment after it must have ended the statement.
    @discardableResult
    func execute(_ text: String, within duration: Duration? = nil) throws(PostgresError) -> Answer {
        try send(text, PostgresArguments([]))
        return try answer([Step()], within: duration)
    }

    /// Runs a statement, after what begins its transaction when it is the first: both are one message to the server.
    ///
    /// An error of the beginning says so (`precedesTransaction`).
    func execute(_ query: SQLQuery, keepsRows: Bool) throws(PostgresError) -> Answer {
        let opening = opening
        let count = statements.count + (opening?.statements.count ?? 0)
        if count >= limits.preparedStatements { try forgetStatements() }
        self.opening = nil
        var steps: [Step] = []
        if let opening {
            for statement in opening.statements { try send(statement, isOpening: true, &steps) }
            // The server keeps its answers until the end of a message; these show that the statement's time has begun.
            try require(PQsendFlushRequest(handle))
        }
        try send(query, isOpening: false, &steps)
        return try answer(steps, keepsRows: keepsRows, opening: opening?.duration)
    }

    private func send(_ query: SQLQuery, isOpening: Bool, _ steps: inout [Step]) throws(PostgresError) {
        let arguments = PostgresArguments(query.arguments)
        guard preparesStatements, query.arguments.count <= Self.keptArguments else {
            try send(PlaceholderText.numbered(query.text), arguments)
            steps.append(Step(isOpening: isOpening))
            return
        }
        let statement = Statement(text: query.text, types: arguments.types)
        let name = statements[statement] ?? nextName()
        if statements[statement] == nil {
            let text = PlaceholderText.numbered(query.text)
            try require(PQsendPrepare(handle, name, text, CInt(arguments.types.count), arguments.types))
            steps.append(Step(isOpening: isOpening, prepared: (statement, name)))
        }
        try require(
            arguments.withPointers { values, lengths, formats in
                PQsendQueryPrepared(handle, name, CInt(arguments.types.count), values, lengths, formats, 0)
            }
        )
        steps.append(Step(isOpening: isOpening))
    }

    private func send(_ text: String, _ arguments: PostgresArguments) throws(PostgresError) {
        let types = arguments.types
        try require(
            arguments.withPointers { values, lengths, formats in
                PQsendQueryParams(handle, text, CInt(types.count), types, values, lengths, formats, 0)
            }
        )
    }

    private func nextName() -> String {
        lastStatement += 1
        return namePrefix + String(lastStatement)
    }

    /// Makes the server forget the prepared statements, because they are many or their plans are of another schema.
    func forgetStatements() throws(PostgresError) {
        guard !statements.isEmpty else { return }
        statements = [:]
        try execute("DEALLOCATE ALL")
    }

    // MARK: Transactions

    /// How a transaction ended.
    enum End {
        /// It is durable, as far as the server's settings make it so.
        case committed
        /// Nothing of it is in the database.
        case undone
        /// It is committed, but the replicas that were to have it too did not say so in time.
        case unconfirmed
    }

    /// Begins a transaction: with its first statement, so that the server is not asked twice.
    func begin(_ opening: PostgresOpening) {
        self.opening = opening
    }

    /// Commits the transaction.
    func commit() throws(PostgresError) -> End {
        if opening != nil {
            // There was no statement, and so there is nothing to be made durable.
            opening = nil
            return .committed
        }
        // Whoever ended the transaction, or met an error and did not say so, has undone it; COMMIT would succeed.
        guard PQtransactionStatus(handle) == PQTRANS_INTRANS else {
            rollBack()
            return .undone
        }
        let before = warnings.count
        do {
            guard try execute("COMMIT").tag == "COMMIT" else { return .undone }
        } catch {
            guard error.isAfterCommit else { throw error }
        }
        return warnings.count == before ? .committed : .unconfirmed
    }

    /// Undoes the transaction, without waiting for the answer: whatever comes next on the connection comes after it.
    func rollBack() {
        guard !isBroken else { return }
        if opening != nil {
            opening = nil
            return
        }
        do throws(PostgresError) {
            try send("ROLLBACK", PostgresArguments([]))
            try require(PQpipelineSync(handle))
            unread += 1
            try flush(until: time.monotonic() + limits.databaseConnectDuration.nanoseconds)
        } catch {
            abandon()
        }
    }

    // MARK: Health

    /// Looks whether the server has ended the connection meanwhile; asks the socket, not the server.
    func checkWhetherOpen() {
        var descriptor = pollfd(fd: PQsocket(handle), events: CShort(POLLIN), revents: 0)
        // What the server says as it ends a connection comes first, and then the end itself.
        while !isBroken, poll(&descriptor, 1, 0) > 0 {
            if PQconsumeInput(handle) == 0 || PQstatus(handle) == CONNECTION_BAD { isBroken = true }
            // Takes in what has come, which may be a change of a parameter's.
            _ = PQisBusy(handle)
        }
    }

    /// Asks the server for an answer, for which a second must do.
    func checkWhetherHeard() {
        guard !isBroken else { return }
        do { try execute("", within: .seconds(1)) } catch { abandon() }
    }

    /// Gives a connection up of which nothing is known any more.
    func abandon() {
        isBroken = true
    }

    // MARK: Notifications

    /// Waits for a notification, or for the time to be over, and takes in all that have come; whether one had.
    func waitForNotification(until deadline: Int64) throws(PostgresError) -> Bool {
        var isNotified = takeNotifications()
        if !isNotified, Self.wait(for: POLLIN, on: PQsocket(handle), until: deadline, time) {
            try require(PQconsumeInput(handle))
            if PQstatus(handle) == CONNECTION_BAD { throw broken() }
            isNotified = takeNotifications()
        }
        return isNotified
    }

    private func takeNotifications() -> Bool {
        var isNotified = false
        while let notification = PQnotifies(handle) {
            PQfreemem(notification)
            isNotified = true
        }
        return isNotified
    }

    // MARK: Waiting

    private func require(_ succeeded: CInt) throws(PostgresError) {
        if succeeded == 0 { throw broken() }
    }

    private func broken() -> PostgresError {
        isBroken = true
        return .connectionLost
    }

    /// Ends a message, and reads its answer, and those before it that nobody has waited for.
    ///
    /// The answer is the last statement's. After one that fails the server leaves out the rest of the message.
    private func answer(
        _ steps: [Step],
        keepsRows: Bool = false,
        opening: Duration? = nil,
        within duration: Duration? = nil
    ) throws(PostgresError) -> Answer {
        try require(PQpipelineSync(handle))
        let begin = time.monotonic()
        // The server ends a statement by itself; a moment later nothing is to be expected of it any more.
        let patience = (duration ?? limits.statementDuration + min(Self.grace, limits.statementDuration)).nanoseconds
        do throws(PostgresError) {
            while unread > 0 {
                var answer = Answer()
                try read([Step()], into: &answer, keepsRows: false) { _, _ in begin + patience }
                unread -= 1
            }
        } catch {
            // Nobody knows what became of the transaction before.
            isBroken = true
            throw error.preceding(opening != nil)
        }
        var answer = Answer()
        do throws(PostgresError) {
            try read(steps, into: &answer, keepsRows: keepsRows) { step, start in
                if step.isOpening, let opening { begin + opening.nanoseconds } else { start + patience }
            }
        } catch {
            var error = error
            error.isAfterCommit = answer.tag == "COMMIT"
            throw error
        }
        return answer
    }

    /// Reads what the server says to each step of a message; `deadline` is of one that began at some moment.
    private func read(
        _ steps: [Step],
        into answer: inout Answer,
        keepsRows: Bool,
        deadline: (Step, Int64) -> Int64
    ) throws(PostgresError) {
        var position = 0
        var start = time.monotonic()
        var error: PostgresError?
        while true {
            let step = position < steps.count ? steps[position] : Step()
            do throws(PostgresError) {
                try waitForResult(deadline(step, start))
            } catch let failure {
                throw (error ?? failure).preceding(step.isOpening)
            }
            guard let result = PQgetResult(handle) else {
                if PQstatus(handle) == CONNECTION_BAD { throw (error ?? broken()).preceding(step.isOpening) }
                position += 1
                // The answers to the rest come together, at the end of the message.
                if step.isOpening { start = time.monotonic() }
                continue
            }
            defer { PQclear(result) }
            switch PQresultStatus(result) {
            case PGRES_PIPELINE_SYNC:
                heardAt = time.monotonic()
                if let error { throw error }
                return
            case PGRES_PIPELINE_ABORTED: continue
            case PGRES_COMMAND_OK where step.prepared != nil:
                if let (statement, name) = step.prepared { statements[statement] = name }
            case PGRES_COMMAND_OK, PGRES_EMPTY_QUERY:
                answer.changes = Self.changes(result)
                answer.tag = PQcmdStatus(result).map { String(cString: $0) } ?? ""
            case PGRES_TUPLES_OK:
                if keepsRows, position == steps.count - 1 { answer.rows = PostgresRows.read(result) }
                answer.changes = Self.changes(result)
            default:
                guard error == nil else { continue }
                var failure = Self.error(of: result).preceding(step.isOpening)
                // By its own clock the server may have been a little sooner.
                let limit = limits.statementDuration.nanoseconds
                if failure.state == "57014", time.monotonic() - start >= limit - limit / 16 { failure.isLate = true }
                // It says nothing more then.
                if PQstatus(handle) == CONNECTION_BAD || failure.endsConnection {
                    isBroken = true
                    throw failure
                }
                error = failure
            }
        }
    }

    private func waitForResult(_ deadline: Int64) throws(PostgresError) {
        while true {
            let isSent = try flushOnce()
            if isSent, PQisBusy(handle) == 0 { return }
            let events = isSent ? POLLIN : POLLIN | POLLOUT
            guard Self.wait(for: CInt(events), on: PQsocket(handle), until: deadline, time) else {
                // A server that waits for something else would not notice that nobody waits for it any more.
                interrupt.send()
                isBroken = true
                throw .silence
            }
            try require(PQconsumeInput(handle))
        }
    }

    /// Sends what has not been sent yet, and reads nothing.
    private func flush(until deadline: Int64) throws(PostgresError) {
        while try !flushOnce() {
            guard Self.wait(for: CInt(POLLIN | POLLOUT), on: PQsocket(handle), until: deadline, time) else {
                throw .silence
            }
            // A server that cannot send does not read either.
            try require(PQconsumeInput(handle))
        }
    }

    /// Sends what the socket takes now; whether that was all.
    private func flushOnce() throws(PostgresError) -> Bool {
        let unsent = PQflush(handle)
        if unsent < 0 { throw broken() }
        return unsent == 0
    }

    private static func wait(for events: CInt, on socket: CInt, until deadline: Int64, _ time: TimeSource) -> Bool {
        var descriptor = pollfd(fd: socket, events: CShort(events), revents: 0)
        while true {
            let left = deadline - time.monotonic()
            guard left > 0 else { return false }
            let count = poll(&descriptor, 1, CInt(clamping: left / 1_000_000 + 1))
            if count > 0 { return true }
            if count < 0, errno != EINTR { return false }
        }
    }

    private static func changes(_ result: OpaquePointer) -> Int {
        // A SELECT, too, has a number in its tag, which is of rows that it has read.
        guard let status = PQcmdStatus(result), status.pointee != CChar(bitPattern: UInt8(ascii: "S")),
            let text = PQcmdTuples(result)
        else { return 0 }
        return Int(String(cString: text)) ?? 0
    }

    private static func error(of result: OpaquePointer) -> PostgresError {
        func field(_ code: CInt) -> String? { PQresultErrorField(result, code).map { String(cString: $0) } }
        // An error without a code is libpq's own, of a connection that broke.
        return PostgresError(
            state: field(witan_diagnostic_sqlstate) ?? PostgresError.connectionLost.state,
            constraint: field(witan_diagnostic_constraint)
        )
    }
}
