import Foundation

/// Where the binary is that the tests run.
enum WitanBinary {
    /// `WITAN_BINARY`, else the one that was built beside the tests.
    static let path: String = {
        if let path = ProcessInfo.processInfo.environment["WITAN_BINARY"] { return path }
        let besideTests = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
        let package = URL(filePath: #filePath).appending(path: "../../../..").standardized
        let places = [besideTests, package.appending(path: ".build/debug")].map { $0.appending(path: "witan").path }
        return places.first { FileManager.default.isExecutableFile(atPath: $0) } ?? places[0]
    }()
}
