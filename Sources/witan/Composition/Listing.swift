import WitanJSON

/// Objects for standard output: a table for people, JSON for programs.
struct Listing {
    /// A column of the table.
    struct Column: Sendable, ExpressibleByStringLiteral {
        let title: String
        let text: @Sendable (JSONObject) -> String?

        /// A column of texts that are made of each object.
        init(_ title: String, _ text: @escaping @Sendable (JSONObject) -> String?) {
            self.title = title
            self.text = text
        }

        /// The column of a member of each object.
        init(stringLiteral member: String) {
            self.init(member) { $0[member]?.string }
        }
    }

    private let objects: [JSONObject]

    /// Takes the objects, in order.
    init(_ objects: [JSONObject]) {
        self.objects = objects
    }

    /// Prints the columns as a table, or everything as JSON.
    func show(columns: [Column], asJSON: Bool) {
        if asJSON {
            print(JSONWriter.string(of: ["objects": .array(objects.map(JSONValue.object))]))
            return
        }
        let cells = objects.map { object in
            columns.map { column in
                let text = column.text(object) ?? ""
                return text.isEmpty ? "-" : text.printable
            }
        }
        let rows = [columns.map(\.title)] + cells
        let widths = columns.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        for row in rows {
            let cells = zip(row, widths.dropLast() + [0])
                .map { cell, width in
                    cell + String(repeating: " ", count: max(0, width - cell.count))
                }
            print(cells.joined(separator: "  "))
        }
    }
}

extension String {
    /// The text on one line, without what would control the terminal or turn its order around: a hostile name can
    /// neither move the cursor nor look like another.
    var printable: String {
        String(
            map { character in
                character.unicodeScalars.contains { scalar in
                    switch scalar.properties.generalCategory {
                    case .control, .lineSeparator, .paragraphSeparator: true
                    default: scalar.properties.isBidiControl
                    }
                } ? "?" : character
            }
        )
    }
}
