//! Files and commands with which to go on by hand.

use crate::doorkeepers::Doorkeepers;
use crate::print::Printer;
use std::io;
use std::path::Path;

/// Writes `NAME.kcat` (librdkafka's words) and `NAME.properties` (Java's) for a person into `folder`, which holds
/// their certificate.
pub(crate) fn write_client_files(folder: &Path, name: &str, bootstrap: &str) -> io::Result<()> {
    let at = folder.display();
    let kcat = format!(
        "bootstrap.servers={bootstrap}\n\
         security.protocol=ssl\n\
         ssl.ca.location={at}/ca.crt\n\
         ssl.certificate.location={at}/{name}.crt\n\
         ssl.key.location={at}/{name}.key\n"
    );
    std::fs::write(folder.join(format!("{name}.kcat")), kcat)?;
    let java = format!(
        "bootstrap.servers={bootstrap}\n\
         security.protocol=SSL\n\
         ssl.truststore.type=PEM\n\
         ssl.truststore.location={at}/ca.crt\n\
         ssl.keystore.type=PEM\n\
         ssl.keystore.location={at}/{name}.pem\n"
    );
    std::fs::write(folder.join(format!("{name}.properties")), java)
}

/// Prints the commands.
pub(crate) fn print_commands(printer: &mut Printer, folder: &Path, doorkeepers: &Doorkeepers) {
    let at = folder.display();
    let bootstrap = doorkeepers.bootstrap();
    printer.heading("Go on by hand, in another terminal");
    printer.command("what alice can see", &format!("kcat -F {at}/alice.kcat -L"));
    printer.command("write", &format!("echo hello | kcat -F {at}/alice.kcat -P -t orders"));
    printer.command("read", &format!("kcat -F {at}/alice.kcat -C -t orders -o beginning -e"));
    printer.command(
        "in a group",
        &format!("kcat -F {at}/alice.kcat -G billing-1 -X auto.offset.reset=earliest orders"),
    );
    printer.command("as bob: refused", &format!("echo hello | kcat -F {at}/bob.kcat -P -t orders"));
    // The mock cluster serves no Java consumer group.
    printer.command(
        "read, in Java (before Kafka 4.2 with --consumer.config)",
        &format!(
            "kafka-console-consumer.sh --bootstrap-server {bootstrap} --command-config \
             {at}/alice.properties --topic orders --partition 0 --offset earliest"
        ),
    );
    // This program, which is built, is doorkeeper too.
    let own = std::env::current_exe().unwrap_or_else(|_| "doorkeeper".into());
    if let Some(first) = doorkeepers.0.first() {
        printer.command(
            "why not?",
            &format!(
                "{} acls explain --config {} --principal User:bob --operation Write --topic orders",
                own.display(),
                first.config.display()
            ),
        );
        printer.command("metrics", &format!("curl -s {}/metrics", first.admin));
    }
    printer.command("grant bob a right", &format!("edit {at}/acls.yaml; it is read again by itself"));
}
