"""The public Python client, driven by lines of JSON on standard input (see testbed.py, Peer)."""

import asyncio
import base64
import json
import sys

from pyspotlib import Client, DiskStore

TIMEOUT = 20


def decode_address(address):
    encoded = address.removeprefix("k.").split("/")[0]
    return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))


class Peer:
    def __init__(self):
        self.client = None
        self.packets = {}

    async def start(self, keys, timeout=TIMEOUT):
        store = DiskStore(keys)
        store.get_or_create_key()  # without a key in the store the client makes an ephemeral one
        self.client = Client(store=store)
        await self.client.start()
        if not await self.client.wait_online(timeout):
            raise TimeoutError("not online in time")
        return self.client.target_id

    async def online(self):
        return self.client.connection_count()[1]

    async def time(self):
        return (await self.client.get_time()).timestamp()

    async def card(self, address):
        return (await self.client.get_idcard_for_recipient(address)).self_key.hex()

    async def raw_card(self, address):
        return (await self.client.get_idcard_bin(decode_address(address))).hex()

    async def query(self, address, body, timeout=TIMEOUT):
        return (await self.client.query(address, bytes.fromhex(body), timeout)).hex()

    async def query_unsealed(self, address, body, timeout=TIMEOUT):
        """As query, but signed alone: anyone could have sent it."""
        prepare = self.client._prepare_message
        self.client._prepare_message = lambda recipient, payload: prepare(None, payload)
        try:
            return await self.query(address, body, timeout)
        finally:
            self.client._prepare_message = prepare

    async def serve(self, endpoint, mode):
        async def handler(message):
            if mode == "echo":
                return message.body, None
            if mode == "upper":
                return message.body.upper(), None
            if mode == "silent":
                return None, None
            return None, Exception("deliberate failure")

        self.client.set_handler(endpoint, handler)

    async def listen(self, endpoint):
        self.packets[endpoint] = self.client.listen_packet(endpoint)
        return str(self.packets[endpoint].local_addr())

    async def send(self, endpoint, address, body):
        await self.packets[endpoint].write_to(bytes.fromhex(body), address)

    async def receive(self, endpoint, timeout=TIMEOUT):
        body, sender = await self.packets[endpoint].read_from(timeout)
        return {"from": str(sender), "body": body.hex()}

    async def load(self, in_flight, seconds):
        """The @/time queries that it gets answered in a second."""
        end = asyncio.get_running_loop().time() + seconds

        async def ask():
            done = 0
            while asyncio.get_running_loop().time() < end:
                await self.client.get_time()
                done += 1
            return done

        return sum(await asyncio.gather(*(ask() for _ in range(in_flight)))) / seconds

    async def store(self, key, value):
        await self.client.store_blob(key, bytes.fromhex(value))

    async def fetch(self, key):
        return (await self.client.fetch_blob(key)).hex()


async def main():
    peer = Peer()
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        command = json.loads(line)
        try:
            answer = {"ok": await getattr(peer, command.pop("do"))(**command)}
        except Exception as error:
            answer = {"error": str(error) or type(error).__name__}
        print(json.dumps(answer), flush=True)


asyncio.run(main())
