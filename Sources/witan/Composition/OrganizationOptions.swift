import ArgumentParser
import WitanCore
import WitanJSON

/// Where a command does its work, and for which organization.
struct OrganizationOptions: ParsableArguments {
    @OptionGroup var place: PlaceOptions

    @Option(help: "The organization's name, where there are several.")
    var organization: String?

    /// Does the work of a command; on data it may do what an owner may.
    func use<Result>(
        _ mode: Installation.Mode = .existing,
        _ body: (any Place) async throws -> Result
    ) async throws -> Result {
        if let url = place.url {
            return try await body(RemoteServer(url: url, organization: organization))
        }
        return try await Installation.use(place.data, mode) { installation in
            if mode == .reading { try await installation.requireLatestSchema() }
            return try await body(StoppedServer(installation, organization: organization))
        }
    }

    /// Prints objects: a table for a person, all that they have for a program.
    func show(_ objects: [JSONObject], columns: [Listing.Column]) {
        Listing(objects).show(columns: columns, asJSON: place.json)
    }

    /// Prints what came of a command: a sentence for a person, the object for a program.
    func report(_ object: JSONObject, _ sentence: String) throws {
        try StandardOutput.write((place.json ? JSONWriter.string(of: .object(object)) : sentence) + "\n")
    }
}

// MARK: - What commands do with objects that have a name

extension OrganizationOptions {
    /// Makes an object.
    ///
    /// - Throws: `.conflict` when there is one of that name.
    func create(_ kind: NamedKind, _ name: String, _ members: (any Place) async throws -> JSONObject) async throws {
        let object = try await use { place in
            var body: JSONObject = [kind.member: .string(name)]
            for (name, value) in try await members(place).members { body[name] = value }
            let (object, wasFound) = try await place.create(kind.resource, body)
            guard !wasFound else {
                throw Failure(.conflict, "There is a \(kind.noun) “\(name)” already; choose another name.")
            }
            return object
        }
        try report(object, "Made the \(kind.noun) \(name).")
    }

    /// Changes an object.
    func change(
        _ kind: NamedKind,
        _ name: String,
        saying sentence: String,
        _ changes: (any Place) async throws -> JSONObject
    ) async throws {
        let object = try await use { place in
            let found = try await place.find(kind, name)
            return try await place.patch(kind.resource, found.id, changes(place))
        }
        try report(object, sentence)
    }

    /// Deletes an object.
    func delete(_ kind: NamedKind, _ name: String) async throws {
        let object = try await use { place in
            try await place.delete(kind.resource, place.find(kind, name).id)
        }
        try report(object, "Deleted the \(kind.noun) \(name).")
    }
}
