package import WitanCore
package import WitanJSON

/// The value of one field.
package enum FieldValue: Sendable, Hashable {
    case null
    case text(String)
    case flag(Bool)
    case count(Int64)
    case timestamp(Timestamp)
    case object(JSONObject)
    case list([FieldValue])
}

/// One object of a resource: a value for each of its fields, in the declaration's order.
package struct Record: Sendable, Hashable {
    /// The resource's fields.
    package let fields: [FieldSpec]

    /// Their values, in the same order.
    package var values: [FieldValue]

    /// Takes a value for each field.
    package init(fields: [FieldSpec], values: [FieldValue]) {
        precondition(fields.count == values.count, "A record has one value for each field")
        self.fields = fields
        self.values = values
    }

    /// A record whose values are all null.
    package init(fields: [FieldSpec]) {
        self.init(fields: fields, values: Array(repeating: .null, count: fields.count))
    }

    /// The object's id; nil in a record that has none yet.
    package var id: ObjectID? {
        guard case .text(let text) = values[0] else { return nil }
        return ObjectID(text)
    }

    /// The value of the field with that name; null when there is no such field.
    package subscript(name name: String) -> FieldValue {
        get { fields.firstIndex { $0.name == name }.map { values[$0] } ?? .null }
        set {
            guard let index = fields.firstIndex(where: { $0.name == name }) else { return }
            values[index] = newValue
        }
    }

    /// A text.
    package subscript(field: Field<String>) -> String? {
        get {
            guard case .text(let text) = self[name: field.spec.name] else { return nil }
            return text
        }
        set { self[name: field.spec.name] = newValue.map(FieldValue.text) ?? .null }
    }

    /// An id.
    package subscript(field: Field<ObjectID>) -> ObjectID? {
        get {
            guard case .text(let text) = self[name: field.spec.name] else { return nil }
            return ObjectID(text)
        }
        set { self[name: field.spec.name] = newValue.map { FieldValue.text($0.description) } ?? .null }
    }

    /// A permission.
    package subscript(field: Field<Permission>) -> Permission? {
        guard case .text(let text) = self[name: field.spec.name] else { return nil }
        return Permission(rawValue: text)
    }

    /// A kind of object.
    package subscript(field: Field<ObjectType>) -> ObjectType? {
        guard case .text(let text) = self[name: field.spec.name] else { return nil }
        return ObjectType(rawValue: text)
    }

    /// A moment.
    package subscript(field: Field<Timestamp>) -> Timestamp? {
        get {
            guard case .timestamp(let moment) = self[name: field.spec.name] else { return nil }
            return moment
        }
        set { self[name: field.spec.name] = newValue.map(FieldValue.timestamp) ?? .null }
    }
}

// MARK: - JSON

extension FieldValue {
    /// The ids of a list of references.
    package var ids: [ObjectID] {
        guard case .list(let items) = self else { return [] }
        return items.compactMap { item in
            guard case .text(let text) = item else { return nil }
            return ObjectID(text)
        }
    }

    /// The value as JSON.
    package var json: JSONValue {
        switch self {
        case .null: .null
        case .text(let text): .string(text)
        case .flag(let flag): .bool(flag)
        case .count(let count): .number(JSONNumber(Int(count)))
        case .timestamp(let moment): .string(moment.rfc3339)
        case .object(let object): .object(object)
        case .list(let items): .array(items.map(\.json))
        }
    }

    /// Writes the value.
    package func write(to writer: inout JSONWriter) {
        switch self {
        case .null: writer.null()
        case .text(let text): writer.string(text)
        case .flag(let flag): writer.bool(flag)
        case .count(let count): writer.write(.number(JSONNumber(Int(count))))
        case .timestamp(let moment): writer.string(moment.rfc3339)
        case .object(let object): writer.write(.object(object))
        case .list(let items):
            writer.beginArray()
            for item in items { item.write(to: &writer) }
            writer.endArray()
        }
    }
}

extension Record {
    /// Writes the record as an object, its fields in the declaration's order, nulls written out, then `extra`.
    ///
    /// Fields that are not always there are left out as `FieldSpec.Presence` says.
    package func write(to writer: inout JSONWriter, adding extra: [(name: String, value: String)] = []) {
        writer.beginObject()
        for (field, value) in zip(fields, values) where field.isShown(with: value) {
            writer.name(field.name)
            value.write(to: &writer)
        }
        for member in extra {
            writer.name(member.name)
            writer.string(member.value)
        }
        writer.endObject()
    }
}

extension FieldSpec {
    /// Whether an answer of the API has the field when it holds that value.
    fileprivate func isShown(with value: FieldValue) -> Bool {
        switch presence {
        case .always: true
        case .whenSet: value != .null
        case .never: false
        }
    }
}
