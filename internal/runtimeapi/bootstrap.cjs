// Runs a Lambda function of the Node.js runtimes: asks the Runtime API for
// events and calls the handler, as AWS's runtimes do.
'use strict';
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const { Writable } = require('node:stream');
const { format } = require('node:util');

const api = 'http://' + process.env.AWS_LAMBDA_RUNTIME_API + '/2018-06-01/runtime/';
const agent = new http.Agent({ keepAlive: true, maxSockets: 1, noDelay: true });
const levels = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];
const json = process.env.AWS_LAMBDA_LOG_FORMAT === 'JSON';
const least = levels.indexOf(process.env.AWS_LAMBDA_LOG_LEVEL);
let requestId;

function call(method, place, body, headers = {}) {
  return new Promise((resolve, reject) => {
    const request = http.request(api + place, { method, agent, headers: body === undefined ? headers : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body), ...headers } }, (answer) => {
      const pieces = [];
      answer.on('data', (piece) => pieces.push(piece));
      answer.on('end', () => resolve({ headers: answer.headers, body: Buffer.concat(pieces) }));
      answer.on('error', reject);
    });
    request.on('error', reject);
    request.end(body);
  });
}

// What has several lines stays one event: its lines end with \r until the last.
function write(level, message) {
  put(`${new Date().toISOString()}\t${requestId}\t${level}\t${message.replace(/\n/g, '\r')}`);
}

// Lines are written at once: those of a process that dies must not be lost.
function put(line) {
  let rest = Buffer.from(line + '\n');
  while (rest.length > 0) {
    try {
      rest = rest.subarray(fs.writeSync(1, rest));
    } catch (e) {
      if (e.code !== 'EAGAIN') throw e;
    }
  }
}

for (const [name, level] of Object.entries({ log: 'INFO', info: 'INFO', warn: 'WARN', error: 'ERROR', debug: 'DEBUG', trace: 'TRACE' })) {
  console[name] = (...args) => {
    if (json) object(level, args);
    else write(level, format(...args));
  };
}

// object writes an event of the log format JSON.
function object(level, args) {
  if (levels.indexOf(level) < least) return;
  const document = { timestamp: new Date().toISOString(), level, requestId };
  const error = args.find((a) => a instanceof Error);
  if (args.length === 1 && !error) {
    document.message = args[0];
  } else {
    document.message = format(...args);
    if (error) {
      const { errorType, errorMessage, trace } = describe(error);
      Object.assign(document, { errorType, errorMessage, stackTrace: trace });
    }
  }
  let line;
  try {
    line = JSON.stringify(document);
  } catch {
    line = JSON.stringify({ ...document, message: format(...args) });
  }
  put(line);
}

// report writes an error that ends an event or the process.
function report(what, error, document) {
  if (json) {
    put(JSON.stringify({ timestamp: new Date().toISOString(), level: 'ERROR', requestId, message: { errorType: document.errorType, errorMessage: document.errorMessage, stackTrace: document.trace } }));
    return;
  }
  const { errorType, errorMessage, trace } = document;
  write('ERROR', `${what} \t` + JSON.stringify({ errorType, errorMessage, ...(error instanceof Error ? error : {}), stack: trace }));
}

function describe(error) {
  if (error instanceof Error || (error && error.stack)) {
    return { errorType: error.name || 'Error', errorMessage: error.message, trace: String(error.stack).split('\n') };
  }
  return { errorType: typeof error, errorMessage: String(error), trace: [] };
}

function kinded(kind, message) {
  const error = new Error(message);
  error.name = kind;
  error.stack = `${kind}: ${message}`;
  return error;
}

async function load() {
  const name = process.env._HANDLER || '';
  const root = process.env.LAMBDA_TASK_ROOT || process.cwd();
  const parts = /^(.*?)([^/.]+)((?:\.[^/.]+)+)$/.exec(name);
  if (!parts || name.includes('..')) {
    throw kinded('Runtime.MalformedHandlerName', 'Bad handler');
  }
  const file = path.join(root, parts[1], parts[2]);
  const found = ['', '.js', '.mjs', '.cjs'].map((end) => file + end).find((f) => fs.existsSync(f) && fs.statSync(f).isFile());
  if (!found) {
    throw kinded('Runtime.ImportModuleError', `Error: Cannot find module '${parts[1]}${parts[2]}'`);
  }
  let module;
  try {
    // import() takes both kinds of modules; require() is for old ones without an end.
    module = path.extname(found) === '' ? require(found) : await import(pathToFileURL(found).href);
  } catch (e) {
    if (e instanceof SyntaxError) {
      throw Object.assign(kinded('Runtime.UserCodeSyntaxError', String(e)), { stack: e.stack });
    }
    if (e && (e.code === 'MODULE_NOT_FOUND' || e.code === 'ERR_MODULE_NOT_FOUND')) {
      throw Object.assign(kinded('Runtime.ImportModuleError', String(e)), { stack: e.stack });
    }
    throw e;
  }
  const wanted = parts[3].slice(1);
  const get = (from) => wanted.split('.').reduce((o, key) => (o === undefined || o === null ? undefined : o[key]), from);
  const handler = get(module) ?? get(module.default);
  if (handler === undefined) {
    throw kinded('Runtime.HandlerNotFound', `${name} is undefined or not exported`);
  }
  if (typeof handler !== 'function') {
    throw kinded('Runtime.HandlerNotFound', `${name} is not a function`);
  }
  return handler;
}

// A handler that streams its answer. Nobody reads the stream while it is written:
// the answer is all of it, as AWS's is to Invoke.
const streaming = Symbol.for('aws.lambda.runtime.handler.streaming');
globalThis.awslambda = {
  streamifyResponse(handler) {
    handler[streaming] = 'response';
    return handler;
  },
  HttpResponseStream: class {
    // The answer of a function's URL begins with its status and headers.
    static from(stream, prelude) {
      stream.setContentType('application/vnd.awslambda.http-integration-response');
      stream.begin(JSON.stringify(prelude));
      return stream;
    }
  },
};

class ResponseStream extends Writable {
  pieces = [];
  type = 'application/octet-stream';
  setContentType(type) { this.type = type; }
  begin(prelude) { this.pieces.push(Buffer.from(prelude), Buffer.alloc(8)); }
  _write(piece, encoding, done) {
    this.pieces.push(Buffer.isBuffer(piece) ? piece : Buffer.from(piece, encoding));
    done();
  }
  get body() { return Buffer.concat(this.pieces); }
}

// run calls the handler and settles with what it answers: by its promise, by
// the callback, or by the context's old functions. An answer by callback waits
// until nothing is left to do, unless the function says that it need not.
function run(handler, event, headers) {
  return new Promise((resolve, reject) => {
    const deadline = Number(headers['lambda-runtime-deadline-ms']);
    let told = false;
    const context = {
      callbackWaitsForEmptyEventLoop: true,
      functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
      functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
      memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
      logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
      logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
      clientContext: headers['lambda-runtime-client-context'] ? JSON.parse(headers['lambda-runtime-client-context']) : undefined,
      identity: undefined,
      invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
      awsRequestId: requestId,
      getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
      done: (error, result) => callback(error, result, false),
      succeed: (result) => callback(null, result, false),
      fail: (error) => callback(error ?? new Error('handled'), undefined, false),
    };
    function callback(error, result, wait = context.callbackWaitsForEmptyEventLoop) {
      if (told) return;
      told = true;
      const settle = () => (error !== undefined && error !== null ? reject(error) : resolve(result));
      if (wait) process.once('beforeExit', settle);
      else setImmediate(settle);
    }
    // A function that does nothing any more has answered null.
    const stream = handler[streaming] ? new ResponseStream() : null;
    const idle = () => { if (!told) { told = true; resolve(stream); } };
    process.once('beforeExit', idle);
    if (stream) {
      stream.once('finish', () => resolve(stream));
      stream.once('error', reject);
      Promise.resolve(handler(event, stream, context)).catch(reject);
      return;
    }
    const promise = handler(event, context, callback);
    if (promise && typeof promise.then === 'function') {
      promise.then((result) => { told = true; resolve(result); }, (error) => { told = true; reject(error); });
    }
  }).finally(() => process.removeAllListeners('beforeExit'));
}

async function fail(error) {
  const document = describe(error);
  report('Invoke Error', error, document);
  await call('POST', `invocation/${requestId}/error`, JSON.stringify(document), { 'Lambda-Runtime-Function-Error-Type': document.errorType });
}

// What nobody caught ends the process, as AWS's runtimes do; the invocation has
// its error first.
async function fatal(error, kind) {
  const document = describe(kind ? Object.assign(kinded(kind, String(error)), { stack: error && error.stack }) : error);
  report(kind ? 'Unhandled Promise Rejection' : 'Uncaught Exception', error, document);
  const place = requestId === undefined ? 'init/error' : `invocation/${requestId}/error`;
  try {
    await call('POST', place, JSON.stringify(document), { 'Lambda-Runtime-Function-Error-Type': document.errorType });
  } finally {
    process.exit(128);
  }
}
process.on('uncaughtException', (error) => fatal(error));
process.on('unhandledRejection', (error) => fatal(error, 'Runtime.UnhandledPromiseRejection'));

fs.writeSync(1, `INIT_START Runtime Version: nodejs:${process.versions.node}\n`);

(async () => {
  let handler;
  try {
    handler = await load();
  } catch (error) {
    const document = describe(error);
    report('Uncaught Exception', error, document);
    await call('POST', 'init/error', JSON.stringify(document), { 'Lambda-Runtime-Function-Error-Type': document.errorType });
    process.exit(1);
  }
  for (;;) {
    const next = await call('GET', 'invocation/next');
    requestId = next.headers['lambda-runtime-aws-request-id'];
    process.env._X_AMZN_TRACE_ID = next.headers['lambda-runtime-trace-id'] || '';
    let body, headers;
    try {
      const result = await run(handler, JSON.parse(next.body.toString() || '{}'), next.headers);
      if (result instanceof ResponseStream) {
        body = result.body;
        headers = { 'Lambda-Runtime-Function-Response-Mode': 'streaming', 'Content-Type': result.type };
      } else {
        body = JSON.stringify(result === undefined ? null : result);
      }
    } catch (error) {
      await fail(error);
      continue;
    }
    await call('POST', `invocation/${requestId}/response`, body ?? 'null', headers);
  }
})();
