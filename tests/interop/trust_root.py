"""Changes a copy of the crate spotlib 0.1.3 so that its two TLS clients trust the file that SSL_CERT_FILE names.

Its roots are compiled in, and it has no option for others. Nothing else is changed.
"""

ROOTS = '&std::env::var("SSL_CERT_FILE").expect("SSL_CERT_FILE names the test CA")'

CHANGES = (
    ("src/transport.rs", ".verify_tls(true)", f".verify_tls(true).ca_bundle({ROOTS})"),
    ("src/api.rs", "rsurl::get(connect_url())", f"rsurl::Client::new().ca_bundle({ROOTS}).get(&connect_url())"),
)


def change(crate):
    for name, old, new in CHANGES:
        file = crate / name
        text = file.read_text()
        if text.count(old) != 1:
            raise RuntimeError(f"spotlib's {name} has {text.count(old)} times {old!r}, not once: look at it again")
        file.write_text(text.replace(old, new))
