import Hummingbird
import WitanCore
import WitanJSON
import WitanResources
import WitanServices

/// The routes of access control that no single resource makes.
struct AccessRoutes: Sendable {
    let members: MemberService
    let grants: ResourceService
    let limits: Limits

    var routes: [Route] {
        [
            Route(AccessEndpoints.members, .authenticated(updateMembers)),
            Route(AccessEndpoints.batchUpdate, .authenticated(updateGrants)),
            Route(AccessEndpoints.batchUpdateWithHyphen, .authenticated(updateGrants)),
        ]
    }

    @Sendable
    private func updateMembers(
        _ request: Request,
        _ context: WitanRequestContext,
        _ caller: Caller
    ) async throws -> Response {
        let body = try await request.json(limits: limits, record: context.record) ?? .object([:])
        let outcome = try await members.update(
            MembershipRequest(body: body),
            in: request.organizationSelector,
            for: caller
        )
        return .json(JSONWriter.bytes(of: .object(outcome.json)))
    }

    @Sendable
    private func updateGrants(
        _ request: Request,
        _ context: WitanRequestContext,
        _ caller: Caller
    ) async throws -> Response {
        let batch = try ACLBatch(body: await request.json(limits: limits, record: context.record) ?? .object([:]))
        let (added, removed) = try await grants.update(
            adding: batch.additions,
            removing: batch.removals,
            for: caller
        )
        AuditTrail.current?.note(grants.resource, added + removed)
        var writer = JSONWriter(reservingCapacity: 512)
        writer.beginObject()
        for (name, records) in [("added_acls", added), ("removed_acls", removed)] {
            writer.name(name)
            writer.beginArray()
            for record in records { record.write(to: &writer) }
            writer.endArray()
        }
        writer.endObject()
        return .json(writer.bytes)
    }
}
