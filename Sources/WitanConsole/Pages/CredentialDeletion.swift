import WitanCore
import WitanResources
import WitanServices

/// The deletion of one or several credentials of a table: the question, the deed, and what is told of it.
struct CredentialDeletion: Sendable {
    let table: ResourceTable
    let name: Field<String>
    let preview: Field<String>

    /// What one is called: in a title, and in a sentence.
    let nouns: (title: String, sentence: String)

    /// Whether a visit is about it.
    static func isAsked(_ visit: Visit) -> Bool { visit.request.query.has("delete") }

    /// The question; nil when nothing was chosen that is there and that the person may see.
    func form(_ visit: Visit, _ variant: ListRequest.Variant = .own) async throws -> DeletionForm? {
        let records = try await table.records(chosen(visit), visit, variant)
        let rows = records.map { record in
            DeletionForm.Row(
                id: record.id?.description ?? "",
                name: (record[name] ?? "").shortened(to: records.count == 1 ? 1_024 : 60),
                preview: record[preview] ?? ""
            )
        }
        return rows.isEmpty ? nil : DeletionForm(rows: rows, noun: nouns.title)
    }

    /// What is told when there is nothing to ask.
    var alert: String { "Choose at least one \(nouns.sentence) that is there." }

    /// Deletes what was chosen, and sends the browser back to the table.
    func delete(_ visit: Visit, of place: SettingsPlace) async throws -> PageOutcome {
        let chosen = Set(chosen(visit).prefix(table.limits.pageRows))
        // Of some that are gone already, by another tab or another owner, what was wanted is so.
        let deleted = try await table.service.delete(chosen, for: visit.caller)
        return visit.seeOther(visit.address(of: place), place, telling: "\(deleted.count)")
    }

    /// What a deletion has done, when a visit is the one after it.
    func notice(_ visit: Visit, of place: SettingsPlace) -> String? {
        visit.told(of: place).flatMap { Int($0) }
            .map { count in
                switch count {
                case 0: "No \(nouns.sentence) was deleted: they were gone already, or are not yours to delete."
                case 1: "The \(nouns.sentence) was deleted."
                default: "\(count) \(nouns.sentence)s were deleted."
                }
            }
    }

    private func chosen(_ visit: Visit) -> [ObjectID] {
        let (query, form) = (visit.request.query, visit.request.form)
        let texts = query["delete"] == "selected" ? query.all("selected") + form.all("selected") : query.all("delete")
        return texts.compactMap { ObjectID($0) }
    }
}
