//! An OpenID provider of an institution, for the tests: `oidc-provider`, with the login form that it brings for trying things out.
//! Takes one JSON object with its clients on standard input, writes its issuer on standard output, ends when standard input does.
import { createServer } from 'node:http'
import { createInterface } from 'node:readline'
import Provider from 'oidc-provider'

const lines = createInterface({ input: process.stdin })
lines.on('close', () => process.exit(0))
lines.once('line', (line) => {
  const server = createServer()
  server.listen(0, '127.0.0.1', () => {
    const issuer = `http://127.0.0.1:${server.address().port}`
    const provider = new Provider(issuer, JSON.parse(line))
    server.on('request', provider.callback())
    process.stdout.write(`${issuer}\n`)
  })
})
