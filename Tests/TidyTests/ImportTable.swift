/// Which module may import what (ADR 0011).
enum ImportTable {
    private static let cLibrary: Set = ["Glibc", "Musl", "Darwin"]

    /// What each module under `Sources` may import.
    static let allowed: [String: Set<String>] = [
        "WitanCore": cLibrary.union(["Synchronization"]),
        "WitanJSON": [],
        "WitanResources": ["WitanCore", "WitanJSON"],
        "WitanStorage": ["WitanCore", "WitanJSON", "WitanResources", "Logging", "Synchronization"],
        "WitanSQLite": cLibrary.union([
            "WitanCore", "WitanStorage", "GRDB", "GRDBSQLite", "Synchronization", "Dispatch",
        ]),
        "WitanPostgres": cLibrary.union(["WitanCore", "WitanStorage", "CLibPQ", "Synchronization", "Dispatch"]),
        "WitanAccess": cLibrary.union([
            "WitanCore", "WitanJSON", "Crypto", "CryptoExtras", "DequeModule", "Synchronization",
        ]),
        "WitanTelemetry": cLibrary.union(["WitanCore", "WitanJSON", "Logging", "Synchronization", "Dispatch"]),
        "WitanServices": cLibrary.union([
            "WitanCore", "WitanJSON", "WitanResources", "WitanStorage", "WitanAccess", "WitanCluster", "WitanTelemetry",
            "Dispatch", "Logging", "Synchronization",
        ]),
        "WitanConsole": [
            "WitanCore", "WitanJSON", "WitanResources", "WitanStorage", "WitanAccess", "WitanServices", "Mustache",
            "Synchronization",
        ],
        "WitanCluster": [
            "WitanCore", "WitanStorage", "WitanAccess", "WitanTelemetry", "Logging", "Synchronization",
        ],
        "WitanMail": ["WitanCore", "NIOCore", "NIOPosix", "NIOSSL"],
        "WitanHTTP": [
            "WitanCore", "WitanJSON", "WitanResources", "WitanStorage", "WitanAccess", "WitanServices",
            "WitanConsole", "WitanTelemetry", "Hummingbird", "HummingbirdCore", "HummingbirdHTTP2", "HummingbirdTLS",
            "HTTPTypes",
            "Logging", "NIOCore", "NIOHTTP1", "NIOHTTPTypes", "NIOSSL", "NIOTLS", "ServiceLifecycle", "Synchronization",
            "Yams",
        ],
        "witan": [
            "WitanCore", "WitanJSON", "WitanResources", "WitanStorage", "WitanSQLite", "WitanPostgres", "WitanAccess",
            "WitanCluster", "WitanConsole", "WitanServices", "WitanTelemetry", "WitanMail", "WitanHTTP",
            "ArgumentParser",
            "AsyncHTTPClient",
            "Configuration",
            "Foundation", "Hummingbird", "Logging", "NIOCore", "NIOHTTP1", "ServiceLifecycle", "Synchronization",
            "SystemPackage", "UnixSignals", "Yams",
        ],
        "WitanEngines": [
            "WitanCore", "WitanStorage", "WitanSQLite", "WitanPostgres", "WitanTesting", "Foundation",
        ],
        "WitanSimulation": [
            "WitanCore", "WitanStorage", "WitanAccess", "WitanCluster",
        ],
        "WitanSimulate": cLibrary.union(["WitanCore", "WitanSimulation"]),
        "WitanFuzz": ["WitanTesting", "CLibFuzzer", "Synchronization"],
        "WitanTesting": cLibrary.union([
            "WitanCore", "WitanJSON", "WitanResources", "WitanStorage", "WitanAccess", "WitanCluster",
            "WitanConsole", "WitanServices", "WitanTelemetry", "WitanHTTP", "Foundation", "HTTPTypes",
            "HummingbirdTesting", "Logging",
            "NIOCore",
            "Synchronization", "Testing",
        ]),
    ]

    /// Modules that one other alone may import, tests included.
    static let soleImporters = [
        "GRDB": "WitanSQLite", "GRDBSQLite": "WitanSQLite", "CLibPQ": "WitanPostgres",
    ]

    /// The module that a line of code imports: `package import WitanCore`, `@testable import struct A.B`.
    static func module(importedBy code: String) -> String? {
        let words = code.split(separator: " ")
        guard let at = words.firstIndex(of: "import"), at + 1 < words.count,
            words[..<at].allSatisfy({ $0.hasPrefix("@") || accessLevels.contains($0) })
        else { return nil }
        let name = kinds.contains(words[at + 1]) && at + 2 < words.count ? words[at + 2] : words[at + 1]
        return name.split(separator: ".").first.map(String.init)
    }

    private static let accessLevels: Set<Substring> = ["public", "package", "internal", "fileprivate", "private"]
    private static let kinds: Set<Substring> = [
        "struct", "class", "enum", "protocol", "typealias", "func", "var", "let",
    ]
}
