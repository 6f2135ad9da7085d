package import WitanCore
internal import WitanJSON

/// A member of a resource with the Swift type of its value, for code that reads or writes it by name.
///
/// ```swift
/// static let name = Field<String>.text("name", "Name of the API key").required()
/// record[APIKeyResource.name]  // String?
/// ```
package struct Field<Value: Sendable>: Sendable {
    /// What the engine knows of it.
    package var spec: FieldSpec
}

extension Field {
    /// A create must give it.
    package func required() -> Field { changed { $0.isRequired = true } }

    /// It may be null.
    package func nullable() -> Field { changed { $0.isNullable = true } }

    /// Only the server sets it.
    package func readOnly() -> Field { changed { $0.isReadOnly = true } }

    /// PATCH alone sets it.
    package func patchOnly() -> Field { changed { $0.isPatchOnly = true } }

    /// It stands in an answer of the API only where it holds something.
    package func whenSet() -> Field { changed { $0.presence = .whenSet } }

    /// It stands in no answer of the API.
    package func hidden() -> Field { changed { $0.presence = .never } }

    /// A list in a body takes so many items at the most.
    package func limited(to maximumItems: Int) -> Field { changed { $0.maximumItems = maximumItems } }

    /// Its value is a column of the row that `reference` names; implies read-only and nullable.
    package func joined(_ column: String, through reference: Field<ObjectID>) -> Field {
        changed { spec in
            spec.source = .joined(reference: reference.spec.name, column: column)
            spec.isReadOnly = true
            spec.isNullable = true
        }
    }

    private func changed(_ change: (inout FieldSpec) -> Void) -> Field {
        var field = self
        change(&field.spec)
        return field
    }
}

extension Field<ObjectID> {
    /// The object's own id.
    package static func id(_ summary: String) -> Field {
        Field(spec: FieldSpec(name: "id", kind: .id, summary: summary)).readOnly()
    }

    /// An id of something that no resource keeps, or one of several kinds.
    package static func any(_ name: String, _ summary: String) -> Field {
        Field(spec: FieldSpec(name: name, kind: .id, summary: summary))
    }

    /// The id of an object of another resource.
    package static func reference(_ name: String, to resource: String, _ summary: String) -> Field {
        Field(spec: FieldSpec(name: name, kind: .reference(resource), summary: summary))
    }
}

extension Field<String> {
    /// A text; names of objects take up to `Limits.nameCharacters`, other texts up to `Limits.textCharacters`.
    package static func text(
        _ name: String,
        _ summary: String,
        maximumCharacters: Int = Limits().textCharacters
    ) -> Field {
        Field(spec: FieldSpec(name: name, kind: .text(maximumCharacters: maximumCharacters), summary: summary))
    }

    /// The name that people know the object by, of 1 to `Limits.nameCharacters` characters.
    package static func name(_ summary: String, member: String = "name") -> Field {
        var field = text(member, summary, maximumCharacters: Limits().nameCharacters)
        field.spec.minimumCharacters = 1
        return field
    }

    /// One of a few texts.
    package static func choice(_ name: String, _ choices: [String], _ summary: String) -> Field {
        Field(spec: FieldSpec(name: name, kind: .choice(choices), summary: summary))
    }
}

extension Field<Permission> {
    /// One of the eight permissions.
    package static func permission(_ name: String, _ summary: String) -> Field {
        Field(spec: FieldSpec(name: name, kind: .choice(Permission.allCases.map(\.rawValue)), summary: summary))
    }
}

extension Field<ObjectType> {
    /// One of the kinds of objects that grants are given on.
    package static func objectType(_ name: String, _ summary: String) -> Field {
        Field(spec: FieldSpec(name: name, kind: .choice(ObjectType.allCases.map(\.rawValue)), summary: summary))
    }
}

extension Field<Bool> {
    /// True or false.
    package static func flag(_ name: String, _ summary: String) -> Field {
        Field(spec: FieldSpec(name: name, kind: .flag, summary: summary))
    }
}

extension Field<Int64> {
    /// A number that the server counts.
    package static func count(_ name: String, _ summary: String) -> Field {
        Field(spec: FieldSpec(name: name, kind: .count, summary: summary)).readOnly().nullable()
    }
}

extension Field<Timestamp> {
    /// A moment that the server sets.
    package static func timestamp(_ name: String, _ summary: String) -> Field { moment(name, summary).readOnly() }

    /// A moment that a body may set.
    package static func moment(_ name: String, _ summary: String) -> Field {
        Field(spec: FieldSpec(name: name, kind: .timestamp, summary: summary))
    }
}

extension Field<JSONObject> {
    /// An object of any shape.
    package static func object(_ name: String, _ summary: String) -> Field {
        Field(spec: FieldSpec(name: name, kind: .object, summary: summary))
    }

    /// An object of these members and no others.
    package static func structure(_ name: String, _ members: [FieldSpec], _ summary: String) -> Field {
        Field(spec: FieldSpec(name: name, kind: .structure(members), summary: summary))
    }
}

extension Field<[ObjectID]> {
    /// The ids of objects of another resource, in a body.
    package static func references(_ name: String, to resource: String, _ summary: String) -> Field {
        Field(spec: FieldSpec(name: name, kind: .list(.reference(resource)), summary: summary))
    }

    /// The ids of objects of another resource, kept in the rows of `table`.
    package static func references(
        _ name: String,
        to resource: String,
        in table: String,
        owner: String,
        item: String,
        _ summary: String
    ) -> Field {
        var spec = FieldSpec(name: name, kind: .list(.reference(resource)), summary: summary)
        spec.source = .rows(table: table, owner: owner, item: item)
        return Field(spec: spec)
    }
}

extension Field<[String]> {
    /// E-mail addresses of people, in a body.
    package static func emails(_ name: String, _ summary: String) -> Field {
        Field(spec: FieldSpec(name: name, kind: .list(.email), summary: summary))
    }

    /// Texts, in a body.
    package static func texts(_ name: String, _ summary: String) -> Field {
        let kind = FieldSpec.Kind.text(maximumCharacters: Limits().nameCharacters)
        return Field(spec: FieldSpec(name: name, kind: .list(kind), summary: summary))
    }
}

extension Field<[JSONObject]> {
    /// A list of objects, inside another member.
    package static func structures(_ name: String, _ members: [FieldSpec], _ summary: String) -> Field {
        Field(spec: FieldSpec(name: name, kind: .list(.structure(members)), summary: summary))
    }

    /// A list of objects, kept in the rows of `table`, whose columns have the members' names.
    package static func structures(
        _ name: String,
        _ members: [FieldSpec],
        in table: String,
        owner: String,
        _ summary: String
    ) -> Field {
        var field = structures(name, members, summary)
        field.spec.source = .rows(table: table, owner: owner, item: "")
        return field
    }
}
