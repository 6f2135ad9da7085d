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
    package static func name(_ summary: String) -> Field {
        .text("name", summary, maximumCharacters: Limits().nameCharacters)
    }

    /// One of a few texts.
    package static func choice(_ name: String, _ choices: [String], _ summary: String) -> Field {
        Field(spec: FieldSpec(name: name, kind: .choice(choices), summary: summary))
    }
}

extension Field<Bool> {
    /// True or false.
    package static func flag(_ name: String, _ summary: String) -> Field {
        Field(spec: FieldSpec(name: name, kind: .flag, summary: summary))
    }
}

extension Field<Timestamp> {
    /// A moment that the server sets.
    package static func timestamp(_ name: String, _ summary: String) -> Field {
        Field(spec: FieldSpec(name: name, kind: .timestamp, summary: summary)).readOnly()
    }
}

extension Field<JSONObject> {
    /// An object of any shape.
    package static func object(_ name: String, _ summary: String) -> Field {
        Field(spec: FieldSpec(name: name, kind: .object, summary: summary))
    }
}
