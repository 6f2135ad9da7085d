import Configuration
import SystemPackage
import WitanCore
import Yams

/// What the settings were given as, from three places: a flag goes before a variable, a variable before the file.
struct SettingValues: Sendable {
    /// The texts that were given, by the settings' names.
    private let given: [String: [String]]

    /// Reads the flags of a command line, the variables of an environment and, if one is named, a YAML file.
    ///
    /// - Throws: `.invalidRequest` for a flag or a member of the file that is no setting, with the nearest one that is.
    init(flags: [String], environment: [String: String], file: String?) async throws {
        var providers: [any ConfigProvider] = [
            InMemoryProvider(name: "flags", values: try Self.flagValues(flags)),
            EnvironmentVariablesProvider(environmentVariables: environment).prefixKeys(with: ["witan"]),
        ]
        if let file {
            try Self.checkMembers(of: file)
            providers.append(try await FileProvider<YAMLSnapshot>(filePath: FilePath(file)))
        }
        let reader = ConfigReader(providers: providers)
        var given: [String: [String]] = [:]
        for declaration in Settings.all {
            let key = ConfigKey([declaration.name])
            do {
                given[declaration.name] =
                    declaration.isList
                    ? try await reader.fetchStringArray(forKey: key)
                    : try await reader.fetchString(forKey: key).map { [$0] }
            } catch {
                throw UsageError.misconfigured(
                    declaration.name,
                    declaration.isList ? "must be a list" : "must be one value"
                )
            }
        }
        self.given = given
    }

    /// The value of a setting that has a default.
    ///
    /// - Throws: `.invalidRequest` that names the setting and what it takes.
    subscript<Value>(_ setting: Setting<Value>) -> Value {
        get throws {
            guard let value = try optional(setting) else {
                throw UsageError.misconfigured(setting.declaration.name, "is required")
            }
            return value
        }
    }

    /// The value of a setting; nil when it was not given and has no default.
    func optional<Value>(_ setting: Setting<Value>) throws -> Value? {
        let declaration = setting.declaration
        if let texts = given[declaration.name] {
            do {
                return try setting.parse(texts.filter { !declaration.isList || !$0.isEmpty })
            } catch {
                throw UsageError(error.message)
            }
        }
        guard let standard = declaration.standard else { return nil }
        let defaults = declaration.isList ? standard.split(separator: ",").map(String.init) : [standard]
        return try setting.parse(defaults)
    }

    /// Splits `--name value` and `--name=value`.
    private static func flagValues(_ flags: [String]) throws -> [AbsoluteConfigKey: ConfigValue] {
        var given: [String: [String]] = [:]
        var rest = flags[...]
        while let flag = rest.popFirst() {
            guard flag.hasPrefix("--") else {
                throw UsageError("“\(flag)” is not expected here; settings are given as --name value.")
            }
            let parts = flag.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            try requireKnown(name, shownAs: "--\(name)", prefix: "--")
            guard let value = parts.count == 2 ? String(parts[1]) : rest.popFirst() else {
                throw UsageError("--\(name) needs a value after it.")
            }
            given[name, default: []].append(value)
        }
        var values: [AbsoluteConfigKey: ConfigValue] = [:]
        for declaration in Settings.all {
            guard let texts = given[declaration.name], let last = texts.last else { continue }
            let content: ConfigContent = declaration.isList ? .stringArray(texts) : .string(last)
            values[AbsoluteConfigKey([declaration.name])] = ConfigValue(content, isSecret: false)
        }
        return values
    }

    /// The library reads what it is asked for; that nothing else stands in the file is checked here.
    private static func checkMembers(of file: String) throws {
        let text: String
        do {
            text = try PlainFile.read(file)
        } catch {
            throw UsageError("The configuration file \(file) cannot be read: \(error).")
        }
        let members: [String]
        do {
            guard let node = try Yams.compose(yaml: text) else { return }
            guard let mapping = node.mapping else {
                throw UsageError("The configuration file \(file) must be a mapping of settings to values.")
            }
            members = mapping.keys.compactMap(\.string)
        } catch let error as YamlError {
            let place = error.line.map { " at line \($0)" } ?? ""
            throw UsageError("The configuration file \(file) is not YAML\(place): write each setting as `name: value`.")
        }
        for member in members {
            try requireKnown(member, shownAs: "“\(member)” in \(file)", prefix: "")
        }
    }

    private static func requireKnown(_ name: String, shownAs shown: String, prefix: String) throws {
        let known = Settings.all.map(\.name)
        guard !known.contains(name) else { return }
        let isFlag = !prefix.isEmpty
        guard isFlag || !DataOptions.names.contains(name) else {
            throw UsageError(
                """
                \(shown) is for every command, and so no member of this file: give it as --\(name), or as a variable, \
                as `witan serve --help` shows.
                """
            )
        }
        let hint = nearestName(to: name, among: known + (isFlag ? DataOptions.names + ["config"] : []))
            .map { "did you mean \(prefix)\($0)?" }
        throw UsageError("\(shown) is not a setting; \(hint ?? "`witan serve --help` lists them.")")
    }
}

extension YamlError {
    /// The line that cannot be read; the error's own text would show what stands in it.
    fileprivate var line: Int? {
        switch self {
        case .scanner(_, _, let mark, _), .parser(_, _, let mark, _), .composer(_, _, let mark, _): mark.line
        default: nil
        }
    }
}
