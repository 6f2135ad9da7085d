/// What is to be deleted, to be confirmed.
struct DeletionForm: Sendable {
    struct Row: Sendable {
        let id: String
        let name: String
        let preview: String
    }

    let rows: [Row]
    let title: String
    let isOne: Bool
    let count: Int

    init(rows: [Row], noun: String) {
        self.rows = rows
        isOne = rows.count == 1
        count = rows.count
        title = "Delete \(noun)\(isOne ? "" : "s")"
    }
}
