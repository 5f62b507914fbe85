import { definePreset } from '../preset.ts'

/**
 * The body is `id=tr_…` and nothing else, unsigned by design: whoever reads the event asks Mollie what became of the
 * payment. Source: docs.mollie.com/reference/webhooks.
 */
export const preset = definePreset({
  name: 'mollie-classic',
  title: 'Mollie (classic webhooks)',
  setup:
    'Give the webhook address as webhookUrl when a payment is created. Nothing proves these webhooks, and they carry ' +
    'nothing but an id: fetch the payment from Mollie by it.',
  // Every change of a payment sends the same bytes, so none of them is a duplicate.
  dedupe: null,
})
