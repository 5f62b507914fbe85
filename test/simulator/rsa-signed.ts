/** Requests that RSA keys signed which nobody has any more: their signatures show which text has to be signed. */
export interface RsaSigned {
  name: string
  source: string
  /** In PEM: the public key, or the certificate that holds it. */
  publicKey: string
  body: string
  /** The text that the documents say is signed. */
  signedText: string
  /** By that key, over that text, in base64. */
  signature: string
}

export const RSA_SIGNED: RsaSigned[] = [
  {
    name: 'adobe-commerce-01',
    source: 'adobe-commerce-webhooks',
    publicKey: `-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAmyzwSSJJWXhkxB44tid1
ppTmYwlQmc5JbN9S5fiAW+zpPoNyd6QZYl7ZB5TdybDq6HIyBfoj3ppvgHOUFtKs
ERE1vbIjGmZ6op7Q3f3LsT37zz9VB1a/Xqho50Y5zF/Ch8O0IZNJVK0mSQnOeJiw
HFrLmyn+r+0xoXyGZcsrUUDzWhTleJSzBI2xxh+7tKjBCZk0nhbkgPQBpyzfKuPP
H+YWmJkwNGRVLKi/dVQDAeBxt+fswaHSemOxnv/pr/7nPUC0l1VtsBVRJ75tnwlo
uRbM+nM6RkN7FRu/4u8HiPSq0MsXl90vdGJuETAX6gbH6puf+xLb2IBwT1UgH7rh
lwIDAQAB
-----END PUBLIC KEY-----
`,
    body: '{"eventName":"observer.sales_order_place_before","data":{"order":{"increment_id":"000000123","base_grand_total":"99.9000","url":"https:\\/\\/m2.example.com\\/x"}}}',
    signedText:
      'eyJldmVudE5hbWUiOiJvYnNlcnZlci5zYWxlc19vcmRlcl9wbGFjZV9iZWZvcmUiLCJkYXRhIjp7Im9yZGVyIjp7ImluY3JlbWVudF9pZCI6IjAwMDAwMDEyMyIsImJhc2VfZ3JhbmRfdG90YWwiOiI5OS45MDAwIiwidXJsIjoiaHR0cHM6XC9cL20yLmV4YW1wbGUuY29tXC94In19fQ==',
    signature:
      'V9VwKzMOKB4AeYdeX2wQZyRnMqpqOZge/zmKZMLLNiM3H3RG83ZaC1T2FIH+aalXVCwNEPzgCWuBIDrg3PC5JCBMbApuIARnwGjL08hkzbnWTcGN6ATlUQR0gxIOb2MLg8MrS6AcGQNjJTZvB5VV53/j3KCTerdlpgG7w2uanSl+B1w5GlAW98Ee8qr/erxTS8wjwAmkVEfkWypvkfdwfkAJwMiCS017f7UDJ9h+vja96LXppwPi3A0m0pAWsMzDC2IkaSc7P3eimooGMQLB57+BcR2B6+2nOwfsaN6FzwBx+RCs9IDDbH+8KPrtbcEY6l0KQjHSuC7GPDzmLzjtkA==',
  },
  {
    name: 'adobe-io-01',
    source: 'adobe-io-events',
    publicKey: `-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAmyzwSSJJWXhkxB44tid1
ppTmYwlQmc5JbN9S5fiAW+zpPoNyd6QZYl7ZB5TdybDq6HIyBfoj3ppvgHOUFtKs
ERE1vbIjGmZ6op7Q3f3LsT37zz9VB1a/Xqho50Y5zF/Ch8O0IZNJVK0mSQnOeJiw
HFrLmyn+r+0xoXyGZcsrUUDzWhTleJSzBI2xxh+7tKjBCZk0nhbkgPQBpyzfKuPP
H+YWmJkwNGRVLKi/dVQDAeBxt+fswaHSemOxnv/pr/7nPUC0l1VtsBVRJ75tnwlo
uRbM+nM6RkN7FRu/4u8HiPSq0MsXl90vdGJuETAX6gbH6puf+xLb2IBwT1UgH7rh
lwIDAQAB
-----END PUBLIC KEY-----
`,
    body: '{"event_id":"4f0f3a3e-0a1b-4c2d-9e3f-001122334455","eventid":"4f0f3a3e-0a1b-4c2d-9e3f-001122334455","event":{"specversion":"1.0","id":"4f0f3a3e","type":"com.adobe.commerce.observer.sales_order_save_commit_after","source":"urn:uuid:1","data":{"value":{"increment_id":"000000123"}}},"recipient_client_id":"client-1","recipientclientid":"client-1"}',
    signedText:
      '{"event_id":"4f0f3a3e-0a1b-4c2d-9e3f-001122334455","eventid":"4f0f3a3e-0a1b-4c2d-9e3f-001122334455","event":{"specversion":"1.0","id":"4f0f3a3e","type":"com.adobe.commerce.observer.sales_order_save_commit_after","source":"urn:uuid:1","data":{"value":{"increment_id":"000000123"}}},"recipient_client_id":"client-1","recipientclientid":"client-1"}',
    signature:
      'VLqSh9JvuekC5ltmQYj/ug2ZbCJHLJVk4g2qCipXHmS7mUnc/xD5vdmRItkRsX7UXbi6tXFsJg16+RVxaakWMe1bXTedBXfspq/BZe+7WFQvcHW+Lktd4hIj0z0uhrAYkXvHdVKIuTFmncxy2TjHBDEbKC7iJSnlqQoiAlRHa8UNZJJoUH2h+ULsP0Bl6XdFNSxhfgU7P4nupo3Uk6/3pPMwhxEeVv6py4WnizqFOSzemxnyz5qlVXsVYSz+j05iMb7SRPGTMpLRPe8jIhCOrLvTaERc8W2rBBnKyT3ORaiBqjc9fdotX1xuww0BkJxk4/LLvvDTno4M20C/X0nRwg==',
  },
  {
    name: 'paypal-01',
    source: 'paypal',
    publicKey: `-----BEGIN CERTIFICATE-----
MIIDQzCCAiugAwIBAgIUCz7h8ULT2zyw14QgOn8G6qgPnsAwDQYJKoZIhvcNAQEL
BQAwMDEuMCwGA1UEAwwlbWVzc2FnZXZlcmlmaWNhdGlvbmNlcnRzLnRlc3QuaW52
YWxpZDAgFw0yNjExMjEwMDE0MTdaGA8yMTI2MTAyODAwMTQxN1owMDEuMCwGA1UE
AwwlbWVzc2FnZXZlcmlmaWNhdGlvbmNlcnRzLnRlc3QuaW52YWxpZDCCASIwDQYJ
KoZIhvcNAQEBBQADggEPADCCAQoCggEBALKfQfyVPJUvoIS2Ue8B13QL94sc/EZJ
oxGra75Ukauq0uBjok+RaeWfNAsdf0DzA1GeH27F75/FavJ6Tns313S182F4Nmu7
WLCtocjDqsmxn3ZrTspQWaW8ttNGRdW0jYTyiLpB6sq+52BZIQXxgbHPTOwAyUFa
qvqGOP8yU+9YCT+tLvX+ounAhYeti5PMTRBdj4TwDlusrlaSop1UzZGdXXzN7gKY
+OI3Jd8WVlRGt8nt50UN/CYTjnI0knZ5SKBnEUTLdJElKuRmiPddrPkQYa0gTzqy
/gaKxaGD0izJ23uC6gFkkfEPsVyGSGd4d9TIny8lDo3OH+J1IEqmq0kCAwEAAaNT
MFEwHQYDVR0OBBYEFH7F/3PRp5spxwWheJXydsgPiLTAMB8GA1UdIwQYMBaAFH7F
/3PRp5spxwWheJXydsgPiLTAMA8GA1UdEwEB/wQFMAMBAf8wDQYJKoZIhvcNAQEL
BQADggEBACFhk75UMVNEQ3CZARNSqydRxRoe8G3ZMhDtGlHyKCIvtqHJDarbuezx
twuwRX19FA0wpUQ19Ol+xzgUjsrJwFc7rmKOLtMfgYgFx5sVfYf6CUIFGTeJ3R9O
qrn3FFhJCiHT6cRTLiaFnWrjYVQGWmwbDL60UDQzw6CUHwoBsipAmS1fpxVw0CTF
xrVPJwCNtZsNlZnugw8cKaFsXPLyzZv4WJh/uKXWzWN3rZKTHunflmjcnfD0l+Fp
Wsfu9W1SPe/sKwOEPsG8MC6D0mlsP9+CzuAyatY2OabQkso0fOhEekfKTrVxCV9I
6bNOAE+9C+45xo8qHCRE/ZN6Zhn4/gc=
-----END CERTIFICATE-----
`,
    body: '{"id":"WH-2WR32451HC0233532-67976317FL4543714","event_version":"1.0","create_time":"2026-01-01T00:00:00.000Z","resource_type":"capture","event_type":"PAYMENT.CAPTURE.COMPLETED","resource":{"id":"42311647XV020574X","amount":{"currency_code":"EUR","value":"9.90"}}}',
    signedText: '69cd13f0-d67a-11e5-baa3-778b53f4ae55|2026-01-01T00:00:01Z|1JE4291016473214C|1272767195',
    signature:
      'FtAa/NCrZ6MCZPuN0zdo2KFa5LNlc/813SizTfysbeAOZzXHBrlV/8vQm8ZdUnr9xPojbnrO1AaYffjM80sN2bjVANcrlgT8D6Hy5CMq9JK/8gLV/QCOGICTZhHhr5T2ChOm4D1MUqxYUwDeTLe/+QPflthWOSASQZV9bSxAlf6Neot+rk+6xQdMxR+156ldr181p2lptJVPLCz+NyMbgGopAjEoTojcoRS2eitq3+dXvalKvuSQdlU4w4f/UAiwuptdguOgLUW5NEIJ5O96bun+3bOUR5eSDJ1C9EAm81n6IGa9DH1fg99N/WZJgiHLDvSaEz7yCAPYEhTMdO6nCA==',
  },
]
