import Foundation
import NIOSSL
import Subprocess
import Testing

/// A self-signed certificate for `localhost`, which is there as long as the value is.
final class TestCertificate: Sendable {
    /// A PEM file of the certificate, for a client to trust.
    let path: String

    /// For a server to show.
    let context: NIOSSLContext

    private let folder: String

    /// Makes one with the openssl program.
    init() async throws {
        folder = NSTemporaryDirectory() + "witan-mail-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        path = folder + "/certificate.pem"
        let key = folder + "/key.pem"
        let made = try await Subprocess.run(
            .name("openssl"),
            arguments: Arguments(
                ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
                    + ["-subj", "/CN=witan", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", path]
            ),
            output: .discarded,
            error: .string(limit: 1 << 16)
        )
        try #require(made.terminationStatus == .exited(0), "\(made.standardError)")
        context = try NIOSSLContext(
            configuration: .makeServerConfiguration(
                certificateChain: NIOSSLCertificate.fromPEMFile(path).map { .certificate($0) },
                privateKey: .privateKey(NIOSSLPrivateKey(file: key, format: .pem))
            )
        )
    }

    deinit {
        // What cannot be removed is the system's to clean up.
        try? FileManager.default.removeItem(atPath: folder)
    }
}
