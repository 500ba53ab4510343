"""The try-it page in a real browser, on the emulators, before a house that only echoes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from browser import open_browser
from fastapi import FastAPI, Request, Response
from playwright.async_api import Browser, Page, expect
from starlette.applications import Starlette
from starlette.types import ASGIApp
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, KeyboardButton, ReplyKeyboardMarkup, Update
from telegram.request import HTTPXRequest
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from bot.tryit import EmulatorConfig, demo_customers, tryit_app
