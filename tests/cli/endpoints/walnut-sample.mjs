// Walnut's Express sample, as documented. With PARSER=1, the usual body parser runs first and sets req.rawBody, which nothing
// else sets.
import crypto from "node:crypto";
import express from "express";

const app = express();
if (process.env.PARSER === "1") app.use(express.json({ verify: (req, _, buf) => { req.rawBody = buf } }));

app.post('/webhook', (req, res) => {
let hmac = crypto.createHmac('sha256', process.env.WEBHOOK_KEY);
hmac.update(req.rawBody);
const calculatedSignature = hmac.digest('hex').toString('base16');
const headerSignature = req.headers['x-walnut-signature']
if (calculatedSignature == headerSignature) {
console.log('Signature is valid');
res.send({ok: true});
} else {
throw new Error('Signature invalid');
}
})

const server = app.listen(process.env.PORT, "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}/webhook`);
});
