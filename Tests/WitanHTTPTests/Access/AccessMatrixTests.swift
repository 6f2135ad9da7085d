import Testing
import WitanCore
import WitanResources
import WitanTesting

@Suite("Who may do what, route by route")
struct AccessMatrixTests {
    @Test("the table has a row for every route that needs a credential, no other, and a cell for every caller")
    func isComplete() throws {
        let matrix = try AccessMatrix.read()
        #expect(matrix.columns == AccessMatrix.Column.allCases.map(\.rawValue))
        let routes = Set(
            OpenAPIDocument(resources: Catalog.all, version: "test").endpoints
                .filter { !$0.isPublic }
                .map { "\($0.method.rawValue.uppercased()) \($0.path)" }
        )
        let rows = matrix.rows.map(\.route)
        #expect(routes.subtracting(rows).sorted() == [], "These routes have no row in matrix.md.")
        #expect(Set(rows).subtracting(routes).sorted() == [], "These rows of matrix.md have no route.")
        #expect(Set(rows).count == rows.count, "A route has two rows in matrix.md.")
        for row in matrix.rows {
            #expect(row.cells.count == matrix.columns.count, "\(row.route)")
            for cell in row.cells { #expect(AccessMatrix.Outcome(cell) != nil, "\(row.route): \(cell)") }
        }
    }

    @Test("the server answers each caller as the table says", arguments: AccessMatrix.Column.allCases)
    func holds(for column: AccessMatrix.Column) async throws {
        let matrix = try AccessMatrix.read()
        let index = try #require(matrix.columns.firstIndex(of: column.rawValue))
        try await TestServer.run { server in
            let caller = try await MatrixCaller.make(column, on: server)
            var differences: [String] = []
            for (number, row) in matrix.rows.enumerated() {
                // A removed person's credential must not be refused for its many failures instead.
                server.clock.advance(by: .seconds(1))
                let objects = try await OrganizationObjects.make(number, on: server, as: server.owner)
                if column == .serviceAccount, let project = objects.ids["project"] {
                    try await server.grant(.permission(.read), on: .project, project, to: .user(caller.person))
                }
                let answer = try await caller.send(row.route, objects, on: server)
                let outcome = AccessMatrix.Outcome(answer)
                guard outcome != AccessMatrix.Outcome(row.cells[index]) else { continue }
                differences.append(
                    "\(row.route)\n    the table says \(row.cells[index]), the server \(outcome): \(answer.text)"
                )
            }
            #expect(differences.isEmpty, "\(column.rawValue):\n\(differences.joined(separator: "\n"))")
        }
    }
}
