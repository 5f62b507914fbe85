import type { Imitation } from '../imitation.ts'
import { SimulationError } from '../problem.ts'
import { adobeCommerceWebhooks } from './adobe-commerce-webhooks.ts'
import { adobeIoEvents } from './adobe-io-events.ts'
import { adyen } from './adyen.ts'
import { bigcommerce } from './bigcommerce.ts'
import { generic } from './generic.ts'
import { github } from './github.ts'
import { hubspot } from './hubspot.ts'
import { klarna } from './klarna.ts'
import { lightspeedXSeries } from './lightspeed-x-series.ts'
import { magentoAligentAsyncEvents } from './magento-aligent-async-events.ts'
import { magentoMageplaza } from './magento-mageplaza.ts'
import { mollieClassic } from './mollie-classic.ts'
import { mollieNextgen } from './mollie-nextgen.ts'
import { openticket } from './openticket.ts'
import { paypal } from './paypal.ts'
import { retino } from './retino.ts'
import { shopctrl } from './shopctrl.ts'
import { shopify } from './shopify.ts'
import { square } from './square.ts'
import { standardWebhooks } from './standard-webhooks.ts'
import { stripe } from './stripe.ts'
import { tilby } from './tilby.ts'
import { twilio } from './twilio.ts'
import { woocommerce } from './woocommerce.ts'
import { xero } from './xero.ts'

const ALL = [
  shopify,
  woocommerce,
  adobeCommerceWebhooks,
  adobeIoEvents,
  magentoMageplaza,
  magentoAligentAsyncEvents,
  retino,
  tilby,
  shopctrl,
  openticket,
  standardWebhooks,
  stripe,
  github,
  bigcommerce,
  mollieClassic,
  mollieNextgen,
  adyen,
  paypal,
  square,
  xero,
  hubspot,
  twilio,
  klarna,
  lightspeedXSeries,
  generic,
]

/** By the name of the source, shops first. */
export const IMITATIONS: ReadonlyMap<string, Imitation> = new Map(ALL.map((one) => [one.name, one]))

/** @throws SimulationError that lists those there are. */
export function imitationOf(source: string): Imitation {
  const imitation = IMITATIONS.get(source)
  if (imitation) return imitation
  throw new SimulationError(`there is no source "${source}"; there are: ${[...IMITATIONS.keys()].join(', ')}`)
}
