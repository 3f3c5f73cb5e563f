"""Addresses that servers were broken into with, all aimed at one port inside."""

METADATA = "169.254.169.254"
PUBLIC = "93.184.215.14"

# What a hostile or careless name server may answer.
NAMES = {
    "localhost": ["127.0.0.1"],
    "localhost.": ["127.0.0.1"],
    "LOCALHOST": ["127.0.0.1"],
    "ip6-localhost": ["::1"],
    "127.0.0.1.": ["127.0.0.1"],
    "localhost.localdomain": ["127.0.0.1"],
    "127.0.0.1.nip.test": ["127.0.0.1"],
    "metadata.google.internal": [METADATA],
    "private.test": ["10.0.0.1"],
    "mapped.test": ["::ffff:127.0.0.1"],
    "nat64.test": ["64:ff9b::7f00:1"],
    "good-then-bad.test": [PUBLIC, "127.0.0.1"],
    "bad-then-good.test": ["127.0.0.1", PUBLIC],
    "good4-bad6.test": [PUBLIC, "::1"],
    "good6-bad4.test": ["2606:4700::1111", "192.168.0.1"],
    "null.test": ["0.0.0.0"],
    "xn--bcher-kva.test": ["127.0.0.1"],
}

HOSTS = [
    *NAMES,
    *("127.0.0.1", "127.1", "127.0.1", "127.127.127.127", "0", "0.0.0.0", "2130706433", "017700000001"),
    *("0x7f000001", "0x7f.0.0.1", "0x7f.1", "0X7F.0X0.0X0.0X1", "0177.0.0.1", "0177.1", "0x7f.0.1"),
    *("10.0.0.1", "10.255.255.255", "0x0a000001", "167772161", "012.0.0.1", "172.16.0.1", "172.31.255.255"),
    *("192.168.0.1", "192.168.1.1", "3232235521", "0xc0a80001", METADATA, "2852039166", "0xa9fea9fe"),
    *("0251.0376.0251.0376", "169.254.43518", "169.254.170.2", "100.64.0.1", "100.100.100.200"),
    *("192.0.0.8", "192.0.0.170", "192.0.2.1", "198.51.100.1", "203.0.113.1", "198.18.0.1", "192.88.99.1"),
    *("224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "0.0.0.1"),
    *("[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[0000::0001]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"),
    *("[::ffff:10.0.0.1]", "[::ffff:169.254.169.254]", "[::ffff:0.0.0.0]", "[::127.0.0.1]", "[::ffff:0:127.0.0.1]"),
    *("[64:ff9b::127.0.0.1]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::1]", "[2002:7f00:1::]", "[2002:a9fe:a9fe::]"),
    *("[2002:c0a8:1::1]", "[2001:0:7f00:1::]", "[2001::1]", "[2001:db8::1]", "[2001:10::1]", "[2001:20::1]"),
    *("[fe80::1]", "[fe80::1%25lo]", "[fec0::1]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]", "[ff0e::1]"),
    *("[100::1]", "[3fff::1]", "[5f00::1]", "[4000::1]"),
    *("①②⑦.⓪.⓪.①", "１２７.0.0.1", "127。0。0。1", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "bücher.test"),
]

SHAPES = [
    "http://someone@{here}/",
    "http://someone:secret@{here}/",
    "http://:@{here}/",
    "http://@{here}/",
    "http://public.test@{here}/",
    "http://public.test%40{here}@{here}/",
    "http://public.test\\@{here}/",
    "http://{here}\\@public.test/",
    "http:\\\\{here}/",
    "http://{here}/a b",
    " http://{here}/",
    "http://{here}/\r\nHost: inside",
    "http://{here}/\x00",
    "\thttp://{here}/",
    "http://127.0.0.1:99999/",
    "http://127.0.0.1:-1/",
    "http://127.0.0.1:port/",
    "http://[::1/",
    "http://[::1]]/",
    "http://[127.0.0.1]/",
    "http://",
    "http:///etc/passwd",
    "http:{here}",
    "//{here}/",
    "{here}",
    "",
    "file:///etc/passwd",
    "ftp://{here}/",
    "gopher://{here}/_INFO",
    "dict://{here}/info",
    "ldap://{here}/",
    "tftp://{here}/",
    "jar:http://{here}!/",
    "http+unix://%2Frun%2Fdocker.sock/info",
    "unix:///run/docker.sock",
    "data:text/plain,hello",
    "javascript:alert(1)",
    "concat:/etc/passwd|x",
    "view-source:http://{here}/",
]


def nasty_urls(port: int) -> list[str]:
    """None of these may lead to a connection, whatever listens on `port` of loopback."""
    hosts = [f"http://{host}:{port}/clip.mp4" for host in HOSTS]
    web = [f"{scheme}://{host}/latest/meta-data" for scheme in ("http", "https") for host in ("127.0.0.1", METADATA)]
    impossible = [f"http://{'a' * 71}.example:{port}/x.png", f"http://media.{'b' * 64}:{port}/x.png"]
    return hosts + web + impossible + [shape.format(here=f"127.0.0.1:{port}") for shape in SHAPES]
