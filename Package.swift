// swift-tools-version: 6.2
import PackageDescription

// One loop at the end gives every target these settings.
let settings: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0335-existential-any.md
    .enableUpcomingFeature("ExistentialAny"),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0409-access-level-on-imports.md
    .enableUpcomingFeature("InternalImportsByDefault"),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0444-member-import-visibility.md
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// A product of a package that Witan depends on, for a reason that docs/adr/0002-dependencies.md gives.
func product(_ name: String, _ package: String) -> Target.Dependency {
    .product(name: name, package: package)
}

let package = Package(
    name: "witan",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: ["YAML"]),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
    ],
    targets: [
        .target(name: "WitanCore"),
        .target(name: "WitanJSON"),
        .target(name: "WitanResources", dependencies: ["WitanCore", "WitanJSON"]),
        .target(
            name: "WitanStorage",
            dependencies: ["WitanCore", "WitanJSON", "WitanResources", product("Logging", "swift-log")]
        ),
        .target(
            name: "WitanSQLite",
            dependencies: [
                "WitanCore", "WitanStorage", product("GRDB", "GRDB.swift"), product("GRDBSQLite", "GRDB.swift"),
            ]
        ),
        .systemLibrary(
            name: "CLibPQ",
            pkgConfig: "libpq",
            providers: [.apt(["libpq-dev"]), .brew(["libpq"])]
        ),
        .target(name: "WitanPostgres", dependencies: ["WitanCore", "WitanStorage", "CLibPQ"]),
        .target(
            name: "WitanCluster",
            dependencies: [
                "WitanCore", "WitanStorage", "WitanAccess", "WitanTelemetry", product("Logging", "swift-log"),
            ]
        ),
        .target(
            name: "WitanAccess",
            dependencies: [
                "WitanCore", "WitanJSON", product("Crypto", "swift-crypto"), product("CryptoExtras", "swift-crypto"),
                product("DequeModule", "swift-collections"),
            ]
        ),
        .target(
            name: "WitanServices",
            dependencies: [
                "WitanCore", "WitanJSON", "WitanResources", "WitanStorage", "WitanAccess", "WitanCluster",
                "WitanTelemetry", product("Logging", "swift-log"),
            ]
        ),
        .target(
            name: "WitanTelemetry",
            dependencies: ["WitanCore", "WitanJSON", product("Logging", "swift-log")]
        ),
        .target(
            name: "WitanMail",
            dependencies: [
                "WitanCore", product("NIOCore", "swift-nio"), product("NIOPosix", "swift-nio"),
                product("NIOSSL", "swift-nio-ssl"),
            ]
        ),
        .target(
            name: "WitanConsole",
            dependencies: [
                "WitanCore", "WitanJSON", "WitanResources", "WitanStorage", "WitanAccess", "WitanServices",
                product("Mustache", "swift-mustache"),
            ],
            resources: [.embedInCode("Templates"), .embedInCode("Assets")]
        ),
        .target(
            name: "WitanHTTP",
            dependencies: [
                "WitanCore", "WitanJSON", "WitanResources", "WitanStorage", "WitanAccess", "WitanServices",
                "WitanTelemetry", "WitanConsole",
                product("Hummingbird", "hummingbird"), product("HummingbirdCore", "hummingbird"),
                product("HummingbirdHTTP2", "hummingbird"),
                product("HummingbirdTLS", "hummingbird"), product("HTTPTypes", "swift-http-types"),
                product("Logging", "swift-log"), product("NIOCore", "swift-nio"), product("NIOHTTP1", "swift-nio"),
                product("NIOHTTPTypes", "swift-nio-extras"), product("NIOSSL", "swift-nio-ssl"),
                product("NIOTLS", "swift-nio"),
                product("ServiceLifecycle", "swift-service-lifecycle"), product("Yams", "Yams"),
            ]
        ),
        .executableTarget(
            name: "witan",
            dependencies: [
                "WitanCore", "WitanJSON", "WitanResources", "WitanStorage", "WitanSQLite", "WitanPostgres",
                "WitanAccess",
                "WitanServices", "WitanCluster", "WitanTelemetry", "WitanMail", "WitanConsole", "WitanHTTP",
                product("ArgumentParser", "swift-argument-parser"),
                product("AsyncHTTPClient", "async-http-client"),
                product("Configuration", "swift-configuration"), product("Hummingbird", "hummingbird"),
                product("Logging", "swift-log"), product("NIOCore", "swift-nio"),
                product("NIOHTTP1", "swift-nio"), product("ServiceLifecycle", "swift-service-lifecycle"),
                product("SystemPackage", "swift-system"), product("UnixSignals", "swift-service-lifecycle"),
                product("Yams", "Yams"),
            ]
        ),
        .target(
            name: "WitanSimulation",
            dependencies: ["WitanCore", "WitanStorage", "WitanAccess", "WitanCluster"]
        ),
        .executableTarget(
            name: "witan-simulate",
            dependencies: ["WitanCore", "WitanSimulation"],
            path: "Sources/WitanSimulate"
        ),
        .target(
            name: "WitanTesting",
            dependencies: [
                "WitanCore", "WitanJSON", "WitanResources", "WitanStorage", "WitanAccess", "WitanServices",
                "WitanCluster", "WitanTelemetry", "WitanConsole", "WitanHTTP",
                product("HummingbirdTesting", "hummingbird"), product("Logging", "swift-log"),
                product("HTTPTypes", "swift-http-types"), product("NIOCore", "swift-nio"),
            ]
        ),
        .target(
            name: "WitanEngines",
            dependencies: ["WitanCore", "WitanStorage", "WitanSQLite", "WitanPostgres", "WitanTesting"]
        ),
        .testTarget(name: "WitanCoreTests", dependencies: ["WitanCore"]),
        .testTarget(name: "WitanJSONTests", dependencies: ["WitanJSON"]),
        .testTarget(name: "WitanResourcesTests", dependencies: ["WitanResources", "WitanCore", "WitanJSON"]),
        .testTarget(
            name: "WitanStorageTests",
            dependencies: [
                "WitanCore", "WitanJSON", "WitanResources", "WitanStorage", "WitanSQLite", "WitanPostgres",
                "WitanTesting",
                "WitanEngines",
            ]
        ),
        .testTarget(
            name: "WitanClusterTests",
            dependencies: [
                "WitanCluster", "WitanCore", "WitanStorage", "WitanSQLite", "WitanAccess", "WitanServices",
                "WitanPostgres", "WitanTelemetry", "WitanTesting", "WitanEngines", "WitanSimulation", "WitanResources",
                "WitanJSON", "WitanHTTP", product("Logging", "swift-log"), product("HTTPTypes", "swift-http-types"),
            ]
        ),
        .testTarget(
            name: "WitanAccessTests",
            dependencies: [
                "WitanAccess", "WitanCore", "WitanJSON", product("Crypto", "swift-crypto"),
                product("CryptoExtras", "swift-crypto"), product("JWTKit", "jwt-kit"),
            ]
        ),
        .testTarget(
            name: "WitanTelemetryTests",
            dependencies: ["WitanTelemetry", "WitanCore", "WitanJSON", product("Logging", "swift-log")]
        ),
        .testTarget(
            name: "WitanMailTests",
            dependencies: [
                "WitanMail", "WitanCore", product("NIOCore", "swift-nio"), product("NIOPosix", "swift-nio"),
                product("NIOSSL", "swift-nio-ssl"), product("Subprocess", "swift-subprocess"),
            ]
        ),
        .testTarget(
            name: "WitanPostgresTests",
            dependencies: [
                "WitanPostgres", "WitanStorage", "WitanCore", "WitanTesting", "WitanEngines",
                product("NIOCore", "swift-nio"), product("NIOPosix", "swift-nio"),
                product("Subprocess", "swift-subprocess"), product("SystemPackage", "swift-system"),
            ]
        ),
        .testTarget(
            name: "WitanHTTPTests",
            dependencies: [
                "WitanCore", "WitanJSON", "WitanResources", "WitanStorage", "WitanSQLite", "WitanPostgres",
                "WitanAccess",
                "WitanServices", "WitanCluster", "WitanTelemetry", "WitanConsole", "WitanHTTP", "WitanTesting",
                "WitanEngines",
                product("Hummingbird", "hummingbird"), product("HummingbirdTesting", "hummingbird"),
                product("HTTPTypes", "swift-http-types"), product("NIOCore", "swift-nio"),
                product("JWTKit", "jwt-kit"),
            ],
            // A table that a test reads.
            exclude: ["Access/matrix.md"]
        ),
        .testTarget(
            name: "ProcessTests",
            dependencies: [
                "witan", "WitanCore", "WitanJSON", product("NIOHTTP1", "swift-nio"), product("NIOPosix", "swift-nio"),
                product("Subprocess", "swift-subprocess"), product("SystemPackage", "swift-system"),
                product("AsyncHTTPClient", "async-http-client"), product("NIOCore", "swift-nio"),
            ]
        ),
        .testTarget(name: "TidyTests"),
    ],
    swiftLanguageModes: [.v6]
)

for target in package.targets where target.type != .system {
    target.swiftSettings = settings
}

// `make fuzz` says here where libFuzzer is; only then are there a fuzzer and instrumented modules.
if let libFuzzer = Context.environment["WITAN_FUZZ"] {
    for target in package.targets where target.type == .regular {
        target.swiftSettings = settings + [.unsafeFlags(["-sanitize=fuzzer,address"])]
    }
    package.targets += [
        .systemLibrary(name: "CLibFuzzer"),
        .executableTarget(
            name: "witan-fuzz",
            dependencies: ["CLibFuzzer", "WitanTesting"],
            path: "Sources/WitanFuzz",
            swiftSettings: settings,
            linkerSettings: [.unsafeFlags(["-sanitize=address", libFuzzer]), .linkedLibrary("stdc++")]
        ),
    ]
}
