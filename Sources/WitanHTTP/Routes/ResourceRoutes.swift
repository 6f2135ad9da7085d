import HTTPTypes
import Hummingbird
import NIOCore
import WitanCore
import WitanJSON
import WitanResources
import WitanServices

/// The routes of one resource, made from its declaration.
struct ResourceRoutes: Sendable {
    let service: ResourceService
    let limits: Limits

    private var resource: Resource { service.resource }

    /// A route for each operation and for the list of an organization.
    var routes: [Route] {
        var routes: [Route] = []
        for operation in Resource.Operation.allCases where resource.operations[operation] != nil {
            routes.append(Route(resource.endpoint(operation), .authenticated(handler(operation))))
        }
        if let endpoint = resource.organizationListEndpoint {
            routes.append(
                Route(
                    endpoint,
                    .authenticated { request, _, caller in try await list(request, .ofOrganization, caller) }
                )
            )
        }
        return routes
    }

    private func handler(
        _ operation: Resource.Operation
    ) -> @Sendable (Request, WitanRequestContext, Caller) async throws -> Response {
        switch operation {
        case .list:
            { request, _, caller in try await list(request, .own, caller) }
        case .create:
            { request, context, caller in
                created(try await service.create(body(request, context), in: selector(request), for: caller))
            }
        case .replace:
            { request, context, caller in
                created(try await service.replace(body(request, context), in: selector(request), for: caller))
            }
        case .get:
            { _, context, caller in object(try await service.get(id(context), for: caller)) }
        case .patch:
            { request, context, caller in
                // A patch without a body changes nothing.
                let body = try await request.json(limits: limits, record: context.record) ?? .object([:])
                return object(try await service.patch(id(context), body, for: caller))
            }
        case .delete:
            { _, context, caller in object(try await service.delete(id(context), for: caller)) }
        }
    }

    // MARK: Requests

    private func id(_ context: WitanRequestContext) throws(Failure) -> ObjectID {
        let text = context.parameters.get(resource.idParameter) ?? ""
        guard let id = ObjectID(text) else {
            throw Failure(invalid: [Failure.Issue(path: [resource.idParameter], message: "must be a UUID")])
        }
        return id
    }

    private func body(_ request: Request, _ context: WitanRequestContext) async throws -> JSONValue {
        guard let body = try await request.json(limits: limits, record: context.record) else {
            throw Failure(
                .invalidRequest,
                "The body is missing; send a JSON object with the \(resource.name)'s members."
            )
        }
        return body
    }

    private func selector(_ request: Request) -> Identity.Selector {
        Identity.Selector(headerName: request.headers[.organizationName])
    }

    // MARK: Answers

    private func object(_ record: Record) -> Response {
        var writer = JSONWriter(reservingCapacity: 512)
        record.write(to: &writer)
        return .json(writer.bytes)
    }

    private func created(_ created: ResourceService.Created) -> Response {
        var writer = JSONWriter(reservingCapacity: 512)
        created.record.write(to: &writer, adding: created.revealed)
        var response = Response.json(writer.bytes)
        if created.wasFound { response.headers[.foundExisting] = "true" }
        return response
    }

    /// A short list in one piece, a long one part by part as the client takes it.
    private func list(_ request: Request, _ variant: ListRequest.Variant, _ caller: Caller) async throws -> Response {
        let query = try QueryString.parse(request.uri.query ?? "")
        let listRequest = try ListRequest(query: query, of: resource, variant: variant, limits: limits)
        let list = try service.list(listRequest, variant, in: selector(request), for: caller)
        let (records, rest) = try await list.first()
        var page = ListWriter()
        page.append(records)
        guard let rest else { return .json(page.finish()) }
        let first = page
        var response = Response.json([])
        response.body = ResponseBody { writer in
            var page = first
            var rest: ResourceList.Rest? = rest
            while let current = rest {
                try await writer.write(ByteBuffer(bytes: page.take()))
                let (records, next) = try await list.next(current)
                page.append(records)
                rest = next
            }
            try await writer.write(ByteBuffer(bytes: page.finish()))
            try await writer.finish(nil)
        }
        return response
    }
}

/// Writes `{"objects":[…]}` in pieces.
private struct ListWriter: Sendable {
    private var bytes = Array(#"{"objects":["#.utf8)
    private var isEmpty = true

    mutating func append(_ records: [Record]) {
        for record in records {
            if !isEmpty { bytes.append(UInt8(ascii: ",")) }
            isEmpty = false
            var writer = JSONWriter(reservingCapacity: 512)
            record.write(to: &writer)
            bytes += writer.bytes
        }
    }

    /// What was written since the last time.
    mutating func take() -> [UInt8] {
        defer { bytes = [] }
        return bytes
    }

    mutating func finish() -> [UInt8] {
        bytes += Array("]}".utf8)
        return take()
    }
}
