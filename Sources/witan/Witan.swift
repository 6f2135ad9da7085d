import ArgumentParser
import Foundation
import WitanCore

/// The command line of Witan.
@main
struct Witan: AsyncParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "witan",
        abstract: "The Braintrust API in your own environment.",
        discussion: "Example: witan serve --port 8000",
        version: version,
        subcommands: [
            Serve.self, Initialize.self, Keys.self, Users.self, Organizations.self, Members.self, Groups.self,
            Roles.self, Grants.self, ServiceAccounts.self, Explain.self, Audit.self, PepperCommands.self, Doctor.self,
            Health.self, OpenAPI.self, Migrate.self, Backup.self, Copy.self,
        ]
    )

    /// Runs the command; an error is one sentence on standard error, and the exit code 1 (failed) or 64 (usage).
    static func main() async {
        // A reader that goes away must not end the server.
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let failure as Failure {
            fail(failure.explanation, code: 1)
        } catch let error as UsageError {
            fail(error.description, code: 64)
        } catch  where exitCode(for: error) == .validationFailure {
            fail("\(message(for: error)); the same command with --help says what it takes.", code: 64)
        } catch {
            exit(withError: error)
        }
    }

    private static func fail(_ sentence: String, code: Int32) -> Never {
        // What the hosted service has words for is told in its words, which have no full stop.
        let end = sentence.hasSuffix(".") || sentence.hasSuffix("?") ? "" : "."
        // Without a standard error there is nobody to tell; the exit code remains.
        try? FileHandle.standardError.write(contentsOf: Data("witan: \(sentence)\(end)\n".utf8))
        Foundation.exit(code)
    }
}
