import WitanCore
import WitanServices

/// Reads the words of a command line, with a sentence for those that it does not understand.
enum Words {
    /// The permissions, for help.
    static let permissions = list(Permission.self)

    /// The kinds of objects, for help.
    static let objectTypes = list(ObjectType.self)

    /// One of a few words.
    static func word<Word: CaseIterable & RawRepresentable<String>>(_ text: String) throws -> Word {
        guard let word = Word(rawValue: text) else { throw UsageError("write one of \(list(Word.self))") }
        return word
    }

    /// The kind and the name of an object, of an organization or of any.
    static func object(_ text: String, in organization: String? = nil) throws -> ObjectReference {
        do {
            return try ObjectReference(parsing: text, in: organization)
        } catch {
            throw UsageError(error.message)
        }
    }

    private static func list<Word: CaseIterable & RawRepresentable<String>>(_ type: Word.Type) -> String {
        type.allCases.map(\.rawValue).joined(separator: ", ")
    }
}
