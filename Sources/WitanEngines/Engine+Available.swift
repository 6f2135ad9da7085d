import Foundation
package import WitanTesting

extension Engine {
    /// The engines that every contract is checked against: PostgreSQL too where `WITAN_TEST_DATABASE_URL` names a server,
    /// as `make test` does.
    package static let available = [sqlite] + (postgres.map { [$0] } ?? [])

    /// The engine that whole servers are tested on: SQLite, or the one that `WITAN_TEST_ENGINE` names.
    package static let chosen: Engine = {
        guard let name = ProcessInfo.processInfo.environment["WITAN_TEST_ENGINE"] else { return sqlite }
        guard let engine = available.first(where: { $0.name == name }) else {
            preconditionFailure("WITAN_TEST_ENGINE names \(name), but there are \(available.map(\.name))")
        }
        return engine
    }()
}
