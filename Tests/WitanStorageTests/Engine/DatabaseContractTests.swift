import Testing
import WitanEngines
import WitanTesting

@Suite("Every engine keeps the database contract")
struct DatabaseContractTests {
    @Test("an engine keeps a rule", arguments: Engine.available, DatabaseContract.all)
    func keepsRule(engine: Engine, contract: DatabaseContract) async throws {
        try await contract.check(engine)
    }
}
