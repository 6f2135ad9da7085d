import WitanCore
import WitanJSON
import WitanResources
import WitanServices

/// Objects for standard output: a table for people, JSON for programs.
struct Listing {
    private let objects: [JSONObject]

    /// The `objects` of an answer.
    init(answer: JSONValue) {
        objects = answer.object?["objects"]?.array?.compactMap(\.object) ?? []
    }

    /// Every object of a list.
    init(_ list: ResourceList) async throws {
        var objects: [JSONObject] = []
        var (records, rest) = try await list.first()
        objects += records.map(\.jsonObject)
        while let current = rest {
            (records, rest) = try await list.next(current)
            objects += records.map(\.jsonObject)
        }
        self.objects = objects
    }

    /// Prints the columns as a table, or everything as JSON.
    func show(columns: [String], asJSON: Bool) {
        if asJSON {
            print(JSONWriter.string(of: ["objects": .array(objects.map(JSONValue.object))]))
            return
        }
        let rows = [columns] + objects.map { object in columns.map { Self.cell(object[$0]) } }
        let widths = columns.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        for row in rows {
            let cells = zip(row, widths)
                .map { cell, width in
                    cell + String(repeating: " ", count: width - cell.count)
                }
            print(cells.joined(separator: "  "))
        }
    }

    /// A value in a table; control characters of a hostile name must not reach the terminal.
    private static func cell(_ value: JSONValue?) -> String {
        guard let text = value?.string else { return "-" }
        return String(text.map { $0.unicodeScalars.contains { $0.properties.generalCategory == .control } ? "?" : $0 })
    }
}

extension Record {
    /// The record as a JSON object.
    var jsonObject: JSONObject {
        var object = JSONObject()
        for (field, value) in zip(fields, values) {
            object[field.name] =
                switch value {
                case .null: .null
                case .text(let text): .string(text)
                case .flag(let flag): .bool(flag)
                case .timestamp(let moment): .string(moment.rfc3339)
                case .object(let object): .object(object)
                }
        }
        return object
    }
}
