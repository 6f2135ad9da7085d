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
        if let endpoint = resource.bodyDeletionEndpoint {
            routes.append(
                Route(
                    endpoint,
                    .authenticated { request, context, caller in
                        object(try await service.delete(body(request, context), for: caller))
                    }
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
                created(try await service.create(body(request, context), in: request.organizationSelector, for: caller))
            }
        case .replace:
            { request, context, caller in
                created(
                    try await service.replace(body(request, context), in: request.organizationSelector, for: caller)
                )
            }
        case .get:
            { _, context, caller in object(try await service.get(id(context), for: caller)) }
        case .patch:
            { request, context, caller in
                // A patch without a body changes nothing.
                let body = try await request.json(limits: limits, record: context.record) ?? .object([:])
                return object(try await service.patch(id(context), body, null: request.nullMeaning, for: caller))
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

    // MARK: Answers

    private func object(_ record: Record) -> Response {
        AuditTrail.current?.note(resource, [record])
        var writer = JSONWriter(reservingCapacity: 512)
        record.write(to: &writer)
        return .json(writer.bytes)
    }

    private func created(_ created: ResourceService.Created) -> Response {
        AuditTrail.current?.note(resource, [created.record])
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
        let list = try await service.list(listRequest, variant, in: request.organizationSelector, for: caller)
        let (records, rest) = try await list.first()
        AuditTrail.current?.note(resource, records)
        var page = ListWriter(isBare: variant == .ofOrganization && resource.organizationList?.isBareArray == true)
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

extension Request {
    /// How a PATCH means null: to clear, by the media type of RFC 7396, else to keep.
    fileprivate var nullMeaning: Draft.NullMeaning {
        let mediaType = headers[.contentType]?.prefix { $0 != ";" }.trimmingSpaces.lowercased()
        return mediaType == "application/merge-patch+json" ? .clear : .keep
    }

    /// The organization that the header names.
    var organizationSelector: Identity.Selector {
        Identity.Selector(headerName: headers[.organizationName])
    }
}

extension Substring {
    fileprivate var trimmingSpaces: Substring {
        let start = drop { $0 == " " || $0 == "\t" }
        return start.dropLast(start.reversed().prefix { $0 == " " || $0 == "\t" }.count)
    }
}

/// Writes `{"objects":[…]}`, or the array alone, in pieces.
private struct ListWriter: Sendable {
    private var bytes: [UInt8]
    private var isEmpty = true
    private let isBare: Bool

    init(isBare: Bool) {
        self.isBare = isBare
        bytes = Array((isBare ? "[" : #"{"objects":["#).utf8)
    }

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
        bytes += Array((isBare ? "]" : "]}").utf8)
        return take()
    }
}
