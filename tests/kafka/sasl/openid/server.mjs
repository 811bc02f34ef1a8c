// An OpenID server (oidc-provider), and beside it, in plaintext, what a test may ask of it:
//
//   /sign?ID   it has a new key of this id from now on, and signs with it
//   /drop?ID   it has this key no more
//   /token     a token of alice, as a client gets it
//
// node server.mjs PORT CONTROL KEY CERTIFICATE
import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import { Provider } from 'oidc-provider'

const [port, control, key, cert] = process.argv.slice(2)
const issuer = `https://localhost:${port}`
let keys = []
let provider

function has(changed) {
  keys = changed
  provider = new Provider(issuer, {
    jwks: { keys },
    clients: [
      {
        client_id: 'alice',
        client_secret: 'alice-secret',
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
        id_token_signed_response_alg: 'ES256',
      },
    ],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => 'urn:kafka',
        getResourceServerInfo: () => ({
          scope: '',
          audience: 'kafka',
          accessTokenTTL: 600,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'ES256', kid: keys[0].kid } },
        }),
      },
    },
  })
}

function sign(kid) {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  has([{ ...pair.privateKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'ES256' }, ...keys])
  return 'signs'
}

function drop(kid) {
  has(keys.filter((one) => one.kid !== kid))
  return 'dropped'
}

function token() {
  const authorization = `Basic ${Buffer.from('alice:alice-secret').toString('base64')}`
  const headers = { authorization, 'content-type': 'application/x-www-form-urlencoded' }
  return new Promise((resolve, reject) => {
    // Its own certificate is not what is tried here.
    const options = { method: 'POST', headers, rejectUnauthorized: false }
    const asked = https.request(`${issuer}/token`, options, (answer) => {
      let text = ''
      answer.on('data', (chunk) => (text += chunk))
      answer.on('end', () => resolve(JSON.parse(text).access_token || text))
    })
    asked.on('error', reject)
    asked.end('grant_type=client_credentials')
  })
}

sign('first')
https
  .createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => {
    provider.callback()(request, response)
  })
  .listen(port, '127.0.0.1')
http
  .createServer(async (request, response) => {
    const [path, id] = request.url.split('?')
    response.end(await { '/sign': sign, '/drop': drop, '/token': token }[path](id))
  })
  .listen(control, '127.0.0.1')
