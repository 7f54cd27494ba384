//! The public Rust client, driven by lines of JSON on standard input (see ../testbed.py, Peer).

use std::collections::HashMap;
use std::error::Error;
use std::io::{self, BufRead, Write};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use serde_json::{json, Value};
use spotlib::spotproto::base64url_decode;
use spotlib::{Client, DiskStore, Message, PacketConn};

type Outcome = Result<Value, Box<dyn Error>>;

const TIMEOUT: Duration = Duration::from_secs(20);

#[derive(Default)]
struct Peer {
    client: Option<Client>,
    packets: HashMap<String, PacketConn>,
}

fn text<'a>(command: &'a Value, name: &str) -> Result<&'a str, Box<dyn Error>> {
    command[name].as_str().ok_or_else(|| format!("{name} is missing").into())
}

fn hex(bytes: &[u8]) -> Value {
    bytes.iter().map(|b| format!("{b:02x}")).collect::<String>().into()
}

fn bytes(command: &Value, name: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let digits = text(command, name)?;
    (0..digits.len())
        .step_by(2)
        .map(|i| Ok(u8::from_str_radix(&digits[i..i + 2], 16)?))
        .collect()
}

fn timeout(command: &Value) -> Duration {
    command["timeout"].as_f64().map_or(TIMEOUT, Duration::from_secs_f64)
}

fn answer(mode: &str, message: &Message) -> Result<Option<Vec<u8>>, String> {
    match mode {
        "echo" => Ok(Some(message.body.clone())),
        "upper" => Ok(Some(message.body.to_ascii_uppercase())),
        "silent" => Ok(None),
        _ => Err("deliberate failure".into()),
    }
}

/// The @/time queries that one thread gets answered, one after the other.
fn ask_until(client: &Client, end: Instant) -> Result<u64, String> {
    let mut done = 0;
    while Instant::now() < end {
        client.get_time(TIMEOUT).map_err(|e| e.to_string())?;
        done += 1;
    }
    Ok(done)
}

impl Peer {
    fn client(&self) -> Result<&Client, Box<dyn Error>> {
        self.client.as_ref().ok_or_else(|| "not started".into())
    }

    fn run(&mut self, command: &Value) -> Outcome {
        match text(command, "do")? {
            "start" => {
                let keys = DiskStore::with_path(text(command, "keys")?)?.keychain()?;
                let client = Client::builder().keychain(keys).build()?;
                client.wait_online(timeout(command))?;
                let target = client.target_id();
                self.client = Some(client);
                Ok(target.into())
            }
            "online" => Ok(self.client()?.connection_count().1.into()),
            "time" => {
                let time = self.client()?.get_time(TIMEOUT)?;
                Ok(time.duration_since(SystemTime::UNIX_EPOCH)?.as_secs_f64().into())
            }
            "card" => {
                let card = self.client()?.get_idcard_for_recipient(text(command, "address")?, TIMEOUT)?;
                Ok(hex(&card.self_key))
            }
            "raw_card" => {
                let hash = text(command, "address")?.trim_start_matches("k.");
                let hash = base64url_decode(hash).ok_or("not an address")?;
                Ok(hex(&self.client()?.get_idcard_bin(&hash, TIMEOUT)?))
            }
            "query" => {
                let (address, body) = (text(command, "address")?, bytes(command, "body")?);
                Ok(hex(&self.client()?.query(address, &body, timeout(command))?))
            }
            "serve" => {
                let mode = text(command, "mode")?.to_string();
                let handler = move |message: &Message| answer(&mode, message);
                self.client()?.set_handler(text(command, "endpoint")?, Some(handler));
                Ok(Value::Null)
            }
            "listen" => {
                let endpoint = text(command, "endpoint")?;
                let connection = self.client()?.listen_packet(endpoint);
                let address = connection.local_addr();
                self.packets.insert(endpoint.to_string(), connection);
                Ok(address.into())
            }
            "send" => {
                self.packet(command)?.send_to(text(command, "address")?, &bytes(command, "body")?, TIMEOUT)?;
                Ok(Value::Null)
            }
            "receive" => {
                let (body, from) = self.packet(command)?.recv(Some(timeout(command)))?;
                Ok(json!({"from": from, "body": hex(&body)}))
            }
            "load" => {
                let client = self.client()?;
                let seconds = command["seconds"].as_f64().ok_or("seconds is missing")?;
                let threads = command["in_flight"].as_u64().ok_or("in_flight is missing")?;
                let end = Instant::now() + Duration::from_secs_f64(seconds);
                let done = thread::scope(|scope| {
                    let asking: Vec<_> = (0..threads).map(|_| scope.spawn(|| ask_until(client, end))).collect();
                    asking.into_iter().map(|one| one.join().unwrap()).sum::<Result<u64, String>>()
                })?;
                Ok((done as f64 / seconds).into())
            }
            "store" => {
                self.client()?.store_blob(text(command, "key")?, &bytes(command, "value")?, TIMEOUT)?;
                Ok(Value::Null)
            }
            "fetch" => Ok(hex(&self.client()?.fetch_blob(text(command, "key")?, TIMEOUT)?)),
            other => Err(format!("unknown command {other}").into()),
        }
    }

    fn packet(&self, command: &Value) -> Result<&PacketConn, Box<dyn Error>> {
        let endpoint = text(command, "endpoint")?;
        self.packets.get(endpoint).ok_or_else(|| "not listening there".into())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut peer = Peer::default();
    for line in io::stdin().lock().lines() {
        let command: Value = serde_json::from_str(&line?)?;
        let answer = match peer.run(&command) {
            Ok(value) => json!({"ok": value}),
            Err(error) => json!({"error": error.to_string()}),
        };
        println!("{answer}");
        io::stdout().flush()?;
    }
    Ok(())
}
