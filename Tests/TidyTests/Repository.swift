import Foundation

/// The files of this repository, each read once.
enum Repository {
    /// Every file that belongs to the repository, by its path from the root.
    static let files: [RepositoryFile] = list("").sorted { $0.path < $1.path }

    /// The Swift files of `Sources` and `Tests`.
    static let sources: [SourceFile] =
        files
        .filter { $0.path.hasSuffix(".swift") && ($0.path.hasPrefix("Sources/") || $0.path.hasPrefix("Tests/")) }
        .map { SourceFile(path: $0.path, text: text(of: $0.path)) }

    /// The Markdown files.
    static let documents: [Document] =
        files
        .filter { $0.path.hasSuffix(".md") }
        .map { Document(path: $0.path, text: text(of: $0.path)) }

    /// The document at a path; an empty one when there is none.
    static func document(_ path: String) -> Document {
        documents.first { $0.path == path } ?? Document(path: path, text: "")
    }

    /// The text of a file; empty when there is none.
    static func text(of path: String) -> String {
        String(decoding: FileManager.default.contents(atPath: root + path) ?? Data(), as: UTF8.self)
    }

    private static let root = String(#filePath.dropLast("Tests/TidyTests/Repository.swift".count))

    /// What is made by builds and runs, as in `.gitignore`.
    private static let made: Set = [
        ".git", ".venv", "__pycache__", ".pytest_cache", ".hypothesis", "witan-data", "Package.resolved", ".DS_Store",
    ]

    private static func list(_ folder: String) -> [RepositoryFile] {
        let url = URL(filePath: root + folder, directoryHint: .isDirectory)
        let keys: [URLResourceKey] = [.isDirectoryKey, .fileSizeKey]
        // A folder that went away meanwhile has no files.
        let entries = (try? FileManager.default.contentsOfDirectory(at: url, includingPropertiesForKeys: keys)) ?? []
        return entries.flatMap { entry -> [RepositoryFile] in
            let name = entry.lastPathComponent
            guard !made.contains(name), !name.hasPrefix(".build"), !name.hasSuffix(".xcodeproj") else { return [] }
            // A file that went away meanwhile has no size.
            let values = try? entry.resourceValues(forKeys: Set(keys))
            let path = folder + name
            return values?.isDirectory == true
                ? list(path + "/") : [RepositoryFile(path: path, bytes: values?.fileSize ?? 0)]
        }
    }
}

/// A file's place and size.
struct RepositoryFile: Sendable {
    let path: String
    let bytes: Int
}

/// A Markdown file, line by line.
struct Document: Sendable {
    let path: String
    let lines: [String]

    init(path: String, text: String) {
        self.path = path
        lines = text.components(separatedBy: "\n")
    }

    /// The lines under a heading, up to the next one of its level or above, with their numbers.
    func section(_ heading: String) -> [(number: Int, text: String)] {
        let numbered = lines.enumerated().map { (number: $0.offset + 1, text: $0.element) }
        guard let start = numbered.firstIndex(where: { $0.text == heading }) else { return [] }
        let level = heading.prefix { $0 == "#" }
        let rest = numbered[(start + 1)...]
        let end = rest.firstIndex { $0.text.hasPrefix("#") && $0.text.prefix { $0 == "#" }.count <= level.count }
        return Array(rest[..<(end ?? rest.endIndex)])
    }
}
